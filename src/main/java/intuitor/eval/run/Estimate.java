package intuitor.eval.run;

import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * A mean over problems with its 95% interval. The interval is the bootstrap's (Efron 1979, percentiles): the problems
 * are drawn again, with replacement, as often as there are problems. Always the same draws.
 *
 * <p>A bootstrap cannot see outside its sample: where all n problems have the same value v, as where none or all are
 * answered right, its interval would be a single point. There the interval is the exact binomial one (Clopper and
 * Pearson 1934): a value other than v has at most the probability u = 1 - 0.025^(1/n), or n problems would all have
 * missed it with a chance below 2.5%. The values lie in [0, 1], so that their mean is at least v (1 - u) and at most
 * v + u (1 - v).
 *
 * @param mean   of the values
 * @param low    of the interval
 * @param high   of the interval
 * @param method that gave the interval
 */
public record Estimate(double mean, double low, double high, Method method) {

    private static final int DRAWS = 10_000;
    private static final long SEED = 20_250_519;
    private static final double TAIL = 0.025;

    /** Where an interval comes from. */
    public enum Method {
        BOOTSTRAP, CLOPPER_PEARSON;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** @param values in [0, 1], one a problem, at least one */
    public static Estimate of(double[] values) {
        double first = values[0];
        if (Arrays.stream(values).allMatch(v -> v == first)) {
            double unseen = 1 - Math.pow(TAIL, 1.0 / values.length);
            return new Estimate(first, first * (1 - unseen), first + unseen * (1 - first), Method.CLOPPER_PEARSON);
        }
        SplittableRandom random = new SplittableRandom(SEED);
        double[] means = new double[DRAWS];
        for (int d = 0; d < DRAWS; d++) {
            double sum = 0;
            for (int i = 0; i < values.length; i++) {
                sum += values[random.nextInt(values.length)];
            }
            means[d] = sum / values.length;
        }
        Arrays.sort(means);
        return new Estimate(Arrays.stream(values).sum() / values.length, means[(int) (TAIL * DRAWS)],
                means[(int) ((1 - TAIL) * DRAWS) - 1], Method.BOOTSTRAP);
    }
}
