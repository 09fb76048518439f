package intuitor.eval.answer;

import ch.obermuhlner.math.big.BigDecimalMath;
import intuitor.eval.answer.Expr.Constant;
import intuitor.eval.answer.Expr.Degrees;
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
import intuitor.eval.answer.Expr.Unknown;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * Values as complex numbers of {@code digits} digits. {@link NoValueException} where an expression has none. A function
 * without meaning, as f in f(x), gets a value that depends on its name and arguments alone.
 */
final class NumericEvaluator {
    private static final int MAX_FACTORIAL = 100_000;
    /** Functions that come close to a polynomial at zero, too close for the digits of a very small argument. */
    private static final Set<String> CLOSE_TO_LINEAR = Set.of("sin", "cos", "tan", "cot", "sec", "csc", "arcsin",
            "arccos", "arctan", "arccot", "sinh", "cosh", "tanh", "coth", "sech", "csch", "arcsinh", "arctanh", "cis");

    private final Map<String, Rational> variables;
    private final MathContext mc;
    private final Budget budget;
    private final ExactEvaluator exact;
    private boolean absorbed;

    NumericEvaluator(Map<String, Rational> variables, int digits, Budget budget) {
        this.variables = variables;
        this.mc = new MathContext(digits, RoundingMode.HALF_EVEN);
        this.budget = budget;
        this.exact = new ExactEvaluator(variables, budget);
    }

    /** Whether a summand or an argument was so small that it left no trace: then equal digits prove nothing. */
    boolean absorbed() {
        return absorbed;
    }

    Complex value(Expr e) {
        budget.check();
        return switch (e) {
            case Num n -> Complex.of(n.value(), mc);
            case Symbol s -> {
                Rational x = variables.get(s.name());
                if (x == null) {
                    throw new NoValueException("no value for " + s.name());
                }
                yield Complex.of(x, mc);
            }
            case Constant c -> switch (c) {
                case PI -> Complex.of(BigDecimalMath.pi(mc));
                case E -> Complex.of(BigDecimalMath.e(mc));
                case I -> Complex.I;
                case INFINITY -> throw new NoValueException("infinity");
            };
            case Sum s -> sum(s);
            case Product p -> {
                Complex total = Complex.ONE;
                for (Expr factor : p.factors()) {
                    total = total.times(value(factor), mc);
                }
                total.magnitude();
                yield total;
            }
            case Quotient q -> value(q.top()).over(value(q.bottom()), mc);
            case Power p -> power(p);
            case Percent p -> value(p.value()).over(Complex.of(BigDecimal.valueOf(100)), mc);
            case Degrees d -> {
                BigDecimal degree = BigDecimalMath.pi(mc).divide(BigDecimal.valueOf(180), mc);
                yield value(d.value()).times(Complex.of(degree), mc);
            }
            case Ratio r when r.parts().size() == 2 -> value(r.parts().get(0)).over(value(r.parts().get(1)), mc);
            case Series s -> series(s);
            case Function f -> function(f);
            case Unknown u -> unknown(u);
            default -> Complex.of(exact.value(e), mc);
        };
    }

    private Complex sum(Sum s) {
        Complex total = Complex.ZERO;
        for (Expr term : s.terms()) {
            total = add(total, value(term));
        }
        return total;
    }

    private Complex add(Complex a, Complex b) {
        return new Complex(add(a.re(), b.re()), add(a.im(), b.im()));
    }

    private BigDecimal add(BigDecimal a, BigDecimal b) {
        if (a.signum() == 0 || b.signum() == 0) {
            return a.signum() == 0 ? b : a;
        }
        int larger = Math.max(Complex.magnitude(a), Complex.magnitude(b));
        int smaller = Math.min(Complex.magnitude(a), Complex.magnitude(b));
        if ((long) larger - smaller > mc.getPrecision() * 2L / 3 - 3) {
            absorbed = true;
        }
        BigDecimal sum = a.add(b, mc);
        return sum.signum() != 0 && Complex.magnitude(sum) < larger - mc.getPrecision() + 8 ? BigDecimal.ZERO : sum;
    }

    private Complex power(Power p) {
        Rational exponent = exact.valueOrNull(p.exponent());
        Complex base = value(p.base());
        if (base.isZero()) {
            if (exponent != null ? exponent.signum() <= 0 : value(p.exponent()).re().signum() <= 0) {
                throw new NoValueException("power of zero");
            }
            return Complex.ZERO;
        }
        if (exponent == null) {
            Complex w = value(p.exponent());
            absorbed |= isTiny(w);
            return p.base() == Constant.E ? w.exp(mc) : w.times(base.log(mc), mc).exp(mc);
        }
        if (exponent.isInteger()) {
            return base.pow(exponent.num(), mc);
        }
        if (exponent.den().equals(BigInteger.TWO)) {
            return base.sqrt(mc).pow(exponent.num(), mc);
        }
        boolean odd = exponent.den().testBit(0);
        if (base.isReal() && (base.re().signum() > 0 || odd) && exponent.den().bitLength() < 20) {
            BigDecimal root = Complex.root(base.re().abs(), exponent.den().intValue(), mc);
            return Complex.of(base.re().signum() < 0 ? root.negate() : root).pow(exponent.num(), mc);
        }
        absorbed |= isTiny(Complex.of(exponent, mc));
        return Complex.of(exponent, mc).times(base.log(mc), mc).exp(mc);
    }

    /** Very small but no rounding error of zero. */
    private boolean isTiny(Complex z) {
        int digits = mc.getPrecision();
        return !z.isZero() && z.magnitude() < -digits / 6 && z.magnitude() > -digits + 8;
    }

    private Complex series(Series s) {
        int from = exact.value(s.from()).intValue(1_000_000);
        int to = exact.value(s.to()).intValue(1_000_000);
        if ((long) to - from > ExactEvaluator.MAX_TERMS) {
            throw new NoValueException("too many terms");
        }
        Map<String, Rational> inner = new HashMap<>(variables);
        Complex total = s.product() ? Complex.ONE : Complex.ZERO;
        for (int k = from; k <= to; k++) {
            inner.put(s.index(), Rational.of(k));
            Complex term = new NumericEvaluator(inner, mc.getPrecision(), budget).value(s.body());
            total = s.product() ? total.times(term, mc) : add(total, term);
        }
        return total;
    }

    private Complex unknown(Unknown u) {
        long hash = u.name().hashCode();
        MathContext coarse = new MathContext(20);
        for (Expr argument : u.arguments()) {
            Complex x = value(argument);
            hash = hash * 0x9E3779B97F4A7C15L + x.re().round(coarse).stripTrailingZeros().hashCode();
            hash = hash * 0x9E3779B97F4A7C15L + x.im().round(coarse).stripTrailingZeros().hashCode();
        }
        return Complex.of(BigDecimal.valueOf(1 + new SplittableRandom(hash).nextDouble()));
    }

    private Complex function(Function f) {
        Rational rational = exact.valueOrNull(f);
        if (rational != null) {
            return Complex.of(rational, mc);
        }
        if (f.name().equals("det")) {
            return value(Matrices.determinant(Matrices.evaluate(f.arguments().get(0))));
        }
        if (f.name().equals("mod")) {
            return unknown(new Unknown("mod", f.arguments()));
        }
        List<Complex> x = f.arguments().stream().map(this::value).toList();
        if (x.isEmpty()) {
            throw new NoValueException("no argument");
        }
        Complex z = x.get(0);
        absorbed |= CLOSE_TO_LINEAR.contains(f.name()) && isTiny(z);
        return switch (f.name()) {
            case "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "arccot", "arcsec", "arccsc" ->
                trigonometric(f.name(), z);
            case "sinh", "cosh", "tanh", "coth", "sech", "csch", "arcsinh", "arccosh", "arctanh" ->
                hyperbolic(f.name(), z);
            case "ln" -> z.log(mc);
            case "log" -> z.log(mc).over(x.get(1).log(mc), mc);
            case "cis" -> z.times(Complex.I, mc).exp(mc);
            case "abs" -> Complex.of(z.abs(mc));
            case "arg" -> Complex.of(z.arg(mc));
            case "Re" -> Complex.of(z.re());
            case "Im" -> Complex.of(z.im());
            case "sgn" -> Complex.of(BigDecimal.valueOf(real(z).signum()));
            case "floor" -> Complex.of(floor(real(z)));
            case "ceil" -> Complex.of(floor(real(z).negate()).negate());
            case "max" -> Complex.of(x.stream().map(this::real).max(BigDecimal::compareTo).orElseThrow());
            case "min" -> Complex.of(x.stream().map(this::real).min(BigDecimal::compareTo).orElseThrow());
            case "factorial" -> Complex.of(factorial(f.arguments().get(0)));
            default -> throw new NoValueException("no value of " + f.name());
        };
    }

    private Complex trigonometric(String name, Complex z) {
        return switch (name) {
            case "sin" -> z.sin(mc);
            case "cos" -> z.cos(mc);
            case "tan" -> z.sin(mc).over(z.cos(mc), mc);
            case "cot" -> z.cos(mc).over(z.sin(mc), mc);
            case "sec" -> Complex.ONE.over(z.cos(mc), mc);
            case "csc" -> Complex.ONE.over(z.sin(mc), mc);
            case "arcsin" -> z.arcsin(mc);
            case "arccos" -> z.arccos(mc);
            case "arctan" -> z.arctan(mc);
            case "arccot" -> Complex.of(BigDecimalMath.pi(mc).divide(BigDecimal.TWO, mc)).minus(z.arctan(mc), mc);
            case "arcsec" -> Complex.ONE.over(z, mc).arccos(mc);
            default -> Complex.ONE.over(z, mc).arcsin(mc);
        };
    }

    private Complex hyperbolic(String name, Complex z) {
        if (name.startsWith("arc")) {
            Complex square = z.times(z, mc);
            return switch (name) {
                case "arcsinh" -> z.plus(square.plus(Complex.ONE, mc).sqrt(mc), mc).log(mc);
                case "arccosh" -> z.plus(square.minus(Complex.ONE, mc).sqrt(mc), mc).log(mc);
                default -> Complex.ONE.plus(z, mc).over(Complex.ONE.minus(z, mc), mc).log(mc)
                        .over(Complex.of(BigDecimal.TWO), mc);
            };
        }
        Complex up = z.exp(mc);
        Complex down = Complex.ONE.over(up, mc);
        Complex sinh = add(up, down.negate()).over(Complex.of(BigDecimal.TWO), mc);
        Complex cosh = up.plus(down, mc).over(Complex.of(BigDecimal.TWO), mc);
        return switch (name) {
            case "sinh" -> sinh;
            case "cosh" -> cosh;
            case "tanh" -> sinh.over(cosh, mc);
            case "coth" -> cosh.over(sinh, mc);
            case "sech" -> Complex.ONE.over(cosh, mc);
            default -> Complex.ONE.over(sinh, mc);
        };
    }

    private BigDecimal real(Complex z) {
        if (!z.isReal()) {
            throw new NoValueException("not real");
        }
        return z.re();
    }

    /** The floor; of a value that rounding may have moved across an integer there is none. */
    private BigDecimal floor(BigDecimal x) {
        if (Complex.magnitude(x) > mc.getPrecision() - 12) {
            throw new NoValueException("floor of a rounded number");
        }
        BigDecimal nearest = x.setScale(0, RoundingMode.HALF_EVEN);
        BigDecimal off = x.subtract(nearest, mc);
        return off.signum() != 0 && Complex.magnitude(off) < Complex.magnitude(x) - mc.getPrecision() + 10 ? nearest
                : x.setScale(0, RoundingMode.FLOOR);
    }

    private BigDecimal factorial(Expr argument) {
        int n = exact.value(argument).intValue(MAX_FACTORIAL);
        if (n < 0) {
            throw new NoValueException("factorial of a negative number");
        }
        BigDecimal product = BigDecimal.ONE;
        for (int k = 2; k <= n; k++) {
            product = product.multiply(BigDecimal.valueOf(k), mc);
            if (k % 1000 == 0) {
                budget.check();
            }
        }
        return product;
    }
}
