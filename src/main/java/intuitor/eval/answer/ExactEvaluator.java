package intuitor.eval.answer;

import intuitor.eval.answer.Expr.Function;
import intuitor.eval.answer.Expr.Num;
import intuitor.eval.answer.Expr.Percent;
import intuitor.eval.answer.Expr.Power;
import intuitor.eval.answer.Expr.Product;
import intuitor.eval.answer.Expr.Quotient;
import intuitor.eval.answer.Expr.Ratio;
import intuitor.eval.answer.Expr.Series;
import intuitor.eval.answer.Expr.Sum;
import intuitor.eval.answer.Expr.Symbol;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Values in exact rational arithmetic. {@link NoValueException} where the value is not rational or not defined. */
final class ExactEvaluator {
    static final int MAX_TERMS = 3000;
    private static final int MAX_FACTORIAL = 6000;
    private static final int MAX_CHOSEN = 4000;
    private static final int MAX_EXPONENT = 1 << 20;

    private final Map<String, Rational> variables;
    private final Budget budget;

    ExactEvaluator(Map<String, Rational> variables, Budget budget) {
        this.variables = variables;
        this.budget = budget;
    }

    /** The value; null where it is not rational, not defined or not found out. */
    static Rational constant(Expr e, Budget budget) {
        return new ExactEvaluator(Map.of(), budget).valueOrNull(e);
    }

    Rational valueOrNull(Expr e) {
        try {
            return value(e);
        } catch (NoValueException none) {
            budget.check();
            return null;
        }
    }

    Rational value(Expr e) {
        return switch (e) {
            case Num n -> n.value();
            case Symbol s when variables.containsKey(s.name()) -> variables.get(s.name());
            case Sum s -> {
                Rational total = Rational.ZERO;
                for (Expr term : s.terms()) {
                    total = total.plus(value(term));
                }
                yield total;
            }
            case Product p -> {
                budget.check();
                Rational total = Rational.ONE;
                for (Expr factor : p.factors()) {
                    total = total.times(value(factor));
                }
                yield total;
            }
            case Quotient q -> value(q.top()).over(value(q.bottom()));
            case Power p -> power(value(p.base()), value(p.exponent()));
            case Percent p -> value(p.value()).over(Rational.of(100));
            case Ratio r when r.parts().size() == 2 -> value(r.parts().get(0)).over(value(r.parts().get(1)));
            case Function f -> function(f);
            case Series s -> series(s);
            default -> throw new NoValueException("not rational");
        };
    }

    private Rational power(Rational base, Rational exponent) {
        budget.check();
        if (base.isZero() && exponent.signum() <= 0) {
            throw new NoValueException("power of zero");
        }
        if (base.isZero() || base.equals(Rational.ONE)) {
            return base;
        }
        if (base.equals(Rational.of(-1)) && exponent.isInteger()) {
            return exponent.num().testBit(0) ? base : Rational.ONE;
        }
        Rational root = exponent.isInteger() ? base : base.root(Rational.of(exponent.den()).intValue(MAX_EXPONENT));
        if (root == null) {
            throw new NoValueException("irrational root");
        }
        return root.pow(Rational.of(exponent.num()).intValue(MAX_EXPONENT));
    }

    private Rational series(Series s) {
        int from = value(s.from()).intValue(1_000_000);
        int to = value(s.to()).intValue(1_000_000);
        if ((long) to - from > MAX_TERMS) {
            throw new NoValueException("too many terms");
        }
        Map<String, Rational> inner = new HashMap<>(variables);
        Rational total = s.product() ? Rational.ONE : Rational.ZERO;
        for (int k = from; k <= to; k++) {
            budget.check();
            inner.put(s.index(), Rational.of(k));
            Rational term = new ExactEvaluator(inner, budget).value(s.body());
            total = s.product() ? total.times(term) : total.plus(term);
        }
        return total;
    }

    private Rational function(Function f) {
        List<Expr> arguments = f.arguments();
        if (f.name().equals("det")) {
            return value(Matrices.determinant(Matrices.evaluate(arguments.get(0))));
        }
        if (f.name().equals("mod") && !ScalarEquality.variables(f).isEmpty()) {
            // at a sample point it may well equal its operand
            throw new NoValueException("remainder of a formula");
        }
        List<Rational> x = arguments.stream().map(this::value).toList();
        return switch (f.name()) {
            case "abs" -> x.get(0).abs();
            case "floor" -> x.get(0).floor();
            case "ceil" -> x.get(0).negate().floor().negate();
            case "sgn" -> Rational.of(x.get(0).signum());
            case "Re" -> x.get(0);
            case "Im" -> Rational.ZERO;
            case "max" -> x.stream().max(Rational::compareTo).orElseThrow();
            case "min" -> x.stream().min(Rational::compareTo).orElseThrow();
            case "gcd" -> Rational.of(x.stream().map(ExactEvaluator::integer).reduce(BigInteger.ZERO, BigInteger::gcd));
            case "lcm" -> Rational.of(x.stream().map(ExactEvaluator::integer).reduce(BigInteger.ONE, this::lcm));
            case "mod" -> remainder(integer(x.get(0)), integer(x.get(1)));
            case "factorial" -> factorial(x.get(0), 1);
            case "factorial2" -> factorial(x.get(0), 2);
            case "binom" -> falling(x.get(0), x.get(1)).over(factorial(x.get(1), 1));
            case "permutations" -> falling(x.get(0), x.get(1));
            case "log" -> logarithm(x.get(0), x.get(1));
            default -> throw new NoValueException("not rational");
        };
    }

    private static BigInteger integer(Rational x) {
        if (!x.isInteger()) {
            throw new NoValueException("not an integer");
        }
        return x.num();
    }

    /** The remainder of the sign of the modulus (Knuth, The Art of Computer Programming 1, 1.2.4). */
    private static Rational remainder(BigInteger a, BigInteger m) {
        if (m.signum() == 0) {
            throw new NoValueException("modulus of zero");
        }
        BigInteger rest = a.mod(m.abs());
        return Rational.of(m.signum() < 0 && rest.signum() > 0 ? rest.add(m) : rest);
    }

    private BigInteger lcm(BigInteger a, BigInteger b) {
        return a.signum() == 0 || b.signum() == 0 ? BigInteger.ZERO : Rational.of(a.divide(a.gcd(b)).multiply(b)).num();
    }

    private Rational factorial(Rational x, int step) {
        int n = x.intValue(MAX_FACTORIAL);
        if (n < 0) {
            throw new NoValueException("factorial of a negative number");
        }
        BigInteger product = BigInteger.ONE;
        for (int k = n; k > 1; k -= step) {
            product = product.multiply(BigInteger.valueOf(k));
        }
        return Rational.of(product);
    }

    /** n (n-1) ... (n-k+1), for any n. */
    private Rational falling(Rational n, Rational k) {
        int count = k.intValue(Integer.MAX_VALUE);
        if (count < 0) {
            return Rational.ZERO;
        }
        if (n.isInteger() && n.signum() >= 0 && n.compareTo(k) < 0) {
            return Rational.ZERO;
        }
        if (count > MAX_CHOSEN) {
            throw new NoValueException("too many factors");
        }
        Rational product = Rational.ONE;
        for (int i = 0; i < count; i++) {
            budget.check();
            product = product.times(n.minus(Rational.of(i)));
        }
        return product;
    }

    /** A logarithm that is a fraction with a small denominator. */
    private Rational logarithm(Rational x, Rational base) {
        if (x.signum() <= 0 || base.signum() <= 0 || base.equals(Rational.ONE)
                || x.num().bitLength() + x.den().bitLength() > 2000) {
            throw new NoValueException("logarithm");
        }
        double lnX = ln(x);
        double lnBase = ln(base);
        for (int q = 1; q <= 6; q++) {
            double p = lnX / lnBase * q;
            long n = Math.round(p);
            if (Math.abs(p - n) < 1e-7 && Math.abs(n) < 10_000 && base.pow((int) n).equals(x.pow(q))) {
                return Rational.of(n, q);
            }
        }
        throw new NoValueException("irrational logarithm");
    }

    private static double ln(Rational x) {
        return ln(x.num()) - ln(x.den());
    }

    private static double ln(BigInteger x) {
        int shift = Math.max(0, x.bitLength() - 60);
        return Math.log(x.shiftRight(shift).doubleValue()) + shift * Math.log(2);
    }
}
