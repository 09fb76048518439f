package intuitor.experiment.report;

import java.util.Arrays;
import java.util.List;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * A mean over runs that differ in their seed, with Student's 95% interval: mean +- t(0.975, n - 1) s / sqrt(n).
 *
 * @param mean NaN where there is no run
 * @param low  NaN where there are fewer than two runs
 * @param high as low
 * @param n    runs
 */
record Estimate(double mean, double low, double high, int n) {

    private static final double UPPER_TAIL = 0.975;

    static Estimate of(double... x) {
        int n = x.length;
        double mean = Arrays.stream(x).average().orElse(Double.NaN);
        if (n < 2) {
            return new Estimate(mean, Double.NaN, Double.NaN, n);
        }
        double squares = Arrays.stream(x).map(v -> (v - mean) * (v - mean)).sum();
        double t = TDistribution.of(n - 1).inverseCumulativeProbability(UPPER_TAIL);
        double half = t * Math.sqrt(squares / (n - 1) / n);
        return new Estimate(mean, mean - half, mean + half, n);
    }

    static Estimate of(List<Double> x) {
        return of(x.stream().mapToDouble(Double::doubleValue).toArray());
    }

    boolean hasInterval() {
        return n >= 2;
    }
}
