package intuitor.eval.answer;

import intuitor.eval.answer.Expr.Constant;
import intuitor.eval.answer.Expr.Function;
import intuitor.eval.answer.Expr.Num;
import intuitor.eval.answer.Expr.Product;
import intuitor.eval.answer.Expr.Series;
import intuitor.eval.answer.Expr.Symbol;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Equality of numbers and formulas. Rational values are compared exactly; other constants by 40 and then by 150 or 500
 * digits; formulas at random rational points (Schwartz 1980, Zippel 1979), exactly where they are rational there. The
 * points are the same in every run.
 */
final class ScalarEquality {
    private static final int FEW = 40;
    private static final int MANY = 150;
    private static final int MOST = 500;
    private static final int ENOUGH = 5;

    private final Rules rules;
    private final Budget budget;

    /** The outcome at one point. */
    private enum Outcome { SAME, DIFFERENT, UNKNOWN }

    ScalarEquality(Rules rules, Budget budget) {
        this.rules = rules;
        this.budget = budget;
    }

    boolean equal(Expr a, Expr b) {
        if (a.equals(b)) {
            return true;
        }
        int infinite = infinity(a);
        if (infinite != 0 || infinity(b) != 0) {
            return infinite == infinity(b);
        }
        Set<String> names = variables(a);
        names.addAll(variables(b));
        if (!names.isEmpty()) {
            return equalFormulas(a, b, List.copyOf(names));
        }
        return compare(a, b, Map.of(), true) == Outcome.SAME || approximates(a, b) || approximates(b, a);
    }

    /** 1 for infinity, -1 for minus infinity, 0 for other expressions. */
    static int infinity(Expr e) {
        if (e == Constant.INFINITY) {
            return 1;
        }
        return e instanceof Product p && p.factors().size() == 2 && p.factors().get(1) == Constant.INFINITY
                && p.factors().get(0) instanceof Num n ? n.value().signum() : 0;
    }

    /** The names of free variables. */
    static Set<String> variables(Expr e) {
        Set<String> names = new TreeSet<>();
        collect(e, names);
        return names;
    }

    private static void collect(Expr e, Set<String> names) {
        if (e instanceof Symbol s) {
            names.add(s.name());
        } else if (e instanceof Series s) {
            Set<String> inside = variables(s.body());
            inside.remove(s.index());
            names.addAll(inside);
            collect(s.from(), names);
            collect(s.to(), names);
        } else {
            e.children().forEach(child -> collect(child, names));
        }
    }

    /** Whether two constants are the same to all digits, or the two differ, or one has no value. */
    private Outcome compare(Expr a, Expr b, Map<String, Rational> point, boolean thorough) {
        ExactEvaluator exact = new ExactEvaluator(point, budget);
        Rational x = exact.valueOrNull(a);
        Rational y = x == null ? null : exact.valueOrNull(b);
        if (x != null && y != null) {
            return x.equals(y) ? Outcome.SAME : Outcome.DIFFERENT;
        }
        Outcome few = compareDigits(a, b, point, FEW);
        if (few == Outcome.DIFFERENT || !thorough) {
            return few;
        }
        Outcome many = compareDigits(a, b, point, MANY);
        return many == Outcome.UNKNOWN ? compareDigits(a, b, point, MOST) : many;
    }

    private Outcome compareDigits(Expr a, Expr b, Map<String, Rational> point, int digits) {
        NumericEvaluator evaluator = new NumericEvaluator(point, digits, budget);
        try {
            Complex x = evaluator.value(a);
            Complex y = evaluator.value(b);
            if (!point.isEmpty() && !isReal(x, digits) && !isReal(y, digits) && !isComplex(a) && !isComplex(b)) {
                // outside the domain of both
                return Outcome.UNKNOWN;
            }
            if (!close(x, y, digits, digits * 2 / 3)) {
                return Outcome.DIFFERENT;
            }
            // rounding costs a few digits; where many differ, cancellation or a small difference is to blame
            boolean doubtful = digits == MANY && !close(x, y, digits, MANY - 20);
            return doubtful || evaluator.absorbed() ? Outcome.UNKNOWN : Outcome.SAME;
        } catch (NoValueException none) {
            budget.check();
            return Outcome.UNKNOWN;
        } catch (ArithmeticException overflow) {
            return Outcome.UNKNOWN;
        }
    }

    private static boolean isReal(Complex x, int digits) {
        return x.isReal() || Complex.magnitude(x.im()) < x.magnitude() - digits * 2 / 3;
    }

    /** Whether the imaginary unit is written somewhere. */
    private static boolean isComplex(Expr e) {
        return e == Constant.I || e instanceof Function f && f.name().equals("cis")
                || e.children().stream().anyMatch(ScalarEquality::isComplex);
    }

    /** Whether so many digits of {@code digits} agree. */
    private static boolean close(Complex x, Complex y, int digits, int agreeing) {
        Complex d = x.minus(y, new MathContext(digits));
        if (d.isZero()) {
            return true;
        }
        int scale = Math.max(x.magnitude(), y.magnitude());
        // where both are rounding errors of zero
        return d.magnitude() < scale - agreeing || scale < -digits * 2 / 3;
    }

    /** Whether a is a decimal written with enough digits to stand for b, whose expansion goes on. */
    private boolean approximates(Expr a, Expr b) {
        if (!(a instanceof Num decimal) || !rules.precise(decimal) || decimal.digits() > 200) {
            return false;
        }
        Rational exact = ExactEvaluator.constant(b, budget);
        if (exact != null && exact.isTerminating()) {
            return false;
        }
        try {
            MathContext mc = new MathContext(decimal.digits() + 20);
            Complex value = new NumericEvaluator(Map.of(), decimal.digits() + 30, budget).value(b);
            if (!value.isReal()) {
                return false;
            }
            BigDecimal written = decimal.value().toBigDecimal(mc);
            BigDecimal off = value.re().subtract(written, mc);
            BigDecimal unit = BigDecimal.ONE.movePointLeft(decimal.decimals());
            boolean rounded = off.abs().compareTo(unit.divide(BigDecimal.TWO)) <= 0;
            boolean truncated = off.abs().compareTo(unit) < 0 && off.signum() == value.re().signum();
            return rounded || truncated;
        } catch (NoValueException | ArithmeticException none) {
            budget.check();
            return false;
        }
    }

    private boolean equalFormulas(Expr a, Expr b, List<String> names) {
        if (names.size() > 40) {
            return false;
        }
        SamplePoints points = new SamplePoints(Set.copyOf(names), a, b);
        int same = 0;
        for (int round = 0; round < points.rounds() && (round < points.needed() || same < ENOUGH); round++) {
            boolean thorough = true;
            for (Map<String, Rational> point : points.round(round)) {
                Outcome outcome = compare(a, b, point, thorough);
                if (outcome == Outcome.DIFFERENT) {
                    return false;
                }
                same += outcome == Outcome.SAME ? 1 : 0;
                thorough = false;
            }
        }
        return same >= ENOUGH;
    }
}
