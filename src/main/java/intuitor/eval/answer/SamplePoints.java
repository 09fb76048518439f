package intuitor.eval.answer;

import intuitor.eval.answer.Expr.Function;
import intuitor.eval.answer.Expr.Num;
import intuitor.eval.answer.Expr.Power;
import intuitor.eval.answer.Expr.Quotient;
import intuitor.eval.answer.Expr.Series;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;

/**
 * The points at which formulas are compared, in rounds; the same in every run. The first round goes over both signs and
 * magnitudes up to millions. Formulas with absolute values, roots and the like, which may agree on one side of a number
 * and not on the other, get a round around the numbers written in them. Formulas that have values at whole numbers only
 * get those.
 */
final class SamplePoints {
    private static final int POINTS = 8;
    private static final int POINTS_NEAR = 40;
    private static final int MAX_CENTRES = 24;
    private static final long[] MAGNITUDES = {4, 60, 3_000, 20_000_000};
    private static final Set<String> WHOLE = Set.of("factorial", "factorial2", "binom", "permutations", "gcd", "lcm");
    private static final Set<String> PIECEWISE = Set.of("abs", "floor", "ceil", "max", "min", "sgn");

    private enum Round { WIDE, NEAR_CONSTANTS, POSITIVE, UNIT, WHOLE_SMALL, WHOLE_RISING }

    private final List<String> names;
    private final List<Round> rounds = new ArrayList<>();
    private final List<Rational> centres = new ArrayList<>();
    private final SplittableRandom random = new SplittableRandom(7);

    SamplePoints(Set<String> names, Expr a, Expr b) {
        this.names = List.copyOf(new TreeSet<>(names));
        if (needsWhole(a) || needsWhole(b)) {
            rounds.addAll(List.of(Round.WHOLE_SMALL, Round.WHOLE_RISING));
            return;
        }
        rounds.add(Round.WIDE);
        if (isPiecewise(a) || isPiecewise(b)) {
            rounds.add(Round.NEAR_CONSTANTS);
            centres.add(Rational.ZERO);
            constants(a);
            constants(b);
        }
        rounds.addAll(List.of(Round.POSITIVE, Round.UNIT, Round.WHOLE_SMALL));
    }

    /** How many rounds must be gone through, even when the first have shown enough. */
    int needed() {
        return rounds.contains(Round.NEAR_CONSTANTS) ? 2 : 1;
    }

    int rounds() {
        return rounds.size();
    }

    /** The points of a round; to be called in order. */
    List<Map<String, Rational>> round(int index) {
        Round round = rounds.get(index);
        List<Map<String, Rational>> points = new ArrayList<>();
        for (int i = 0; i < (round == Round.NEAR_CONSTANTS ? POINTS_NEAR : POINTS); i++) {
            Map<String, Rational> point = new HashMap<>();
            for (int k = 0; k < names.size(); k++) {
                point.put(names.get(k), coordinate(round, i, k));
            }
            points.add(point);
        }
        return points;
    }

    private Rational coordinate(Round round, int i, int k) {
        return switch (round) {
            case WIDE -> {
                int sign = (i >> k % 3 & 1) == 0 ? 1 : -1;
                long magnitude = MAGNITUDES[(i / 2 + k) % MAGNITUDES.length];
                yield Rational.of(sign * random.nextLong(magnitude * 50, magnitude * 997), 997);
            }
            case NEAR_CONSTANTS -> {
                Rational centre = centres.get((i / 2 + k * 5) % centres.size());
                Rational near = centre.plus(Rational.of(random.nextLong(-1_500, 1_500), 1_009));
                yield random.nextBoolean() ? near : near.negate();
            }
            case POSITIVE -> Rational.of(random.nextLong(1_100, 20_000), 997);
            case UNIT -> Rational.of(random.nextLong(1, 996), 997);
            case WHOLE_SMALL -> Rational.of(random.nextLong(2, 12));
            case WHOLE_RISING -> Rational.of(i + 1L + k);
        };
    }

    /** Factorials, binomials and sums have values at whole numbers only. */
    private static boolean needsWhole(Expr e) {
        if (e instanceof Function f && WHOLE.contains(f.name()) && !ScalarEquality.variables(e).isEmpty()) {
            return true;
        }
        return e instanceof Series s && !(ScalarEquality.variables(s.from()).isEmpty()
                && ScalarEquality.variables(s.to()).isEmpty())
                || e.children().stream().anyMatch(SamplePoints::needsWhole);
    }

    private static boolean isPiecewise(Expr e) {
        boolean here = e instanceof Function f && PIECEWISE.contains(f.name())
                || e instanceof Power p && (p.exponent() instanceof Num n && !n.value().isInteger()
                || p.exponent() instanceof Quotient);
        return here && !ScalarEquality.variables(e).isEmpty()
                || e.children().stream().anyMatch(SamplePoints::isPiecewise);
    }

    private void constants(Expr e) {
        if (centres.size() >= MAX_CENTRES) {
            return;
        }
        if (e instanceof Num n && n.value().num().bitLength() < 40 && !centres.contains(n.value())) {
            centres.add(n.value());
        }
        e.children().forEach(this::constants);
    }
}
