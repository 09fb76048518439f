package intuitor.eval.run;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * A mean with its 95% bootstrap interval (Efron 1979, percentiles): the problems are drawn again, with replacement, as
 * often as there are problems. Always the same draws.
 *
 * @param mean of the values
 * @param low  2.5th percentile of the means of the draws
 * @param high 97.5th
 */
public record Bootstrap(double mean, double low, double high) {

    private static final int DRAWS = 10_000;
    private static final long SEED = 20_250_519;
    private static final double TAIL = 0.025;

    /** @param values one a problem, at least one */
    public static Bootstrap of(double[] values) {
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
        return new Bootstrap(Arrays.stream(values).sum() / values.length, means[(int) (TAIL * DRAWS)],
                means[(int) ((1 - TAIL) * DRAWS) - 1]);
    }
}
