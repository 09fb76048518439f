package intuitor.monitor;

import java.util.Arrays;
import java.util.stream.DoubleStream;

/** Means and spreads of small arrays. */
public final class Statistics {

    private Statistics() { }

    /** NaN of nothing. */
    public static double mean(double[] x) {
        return Arrays.stream(x).sum() / x.length;
    }

    /** Standard deviation with n - 1 in the denominator; exactly 0 where all are equal, and of one or none. */
    public static double std(double[] x) {
        double mean = mean(x);
        double squares = 0;
        boolean equal = true;
        for (double v : x) {
            squares += (v - mean) * (v - mean);
            equal &= v == x[0];
        }
        return equal ? 0 : Math.sqrt(squares / (x.length - 1));
    }

    public static double min(double[] x) {
        return Arrays.stream(x).min().orElseThrow();
    }

    public static double max(double[] x) {
        return Arrays.stream(x).max().orElseThrow();
    }

    /** The value below which a share q of all lies, interpolated linearly, as torch.quantile does; NaN of nothing. */
    public static double quantile(double[] x, double q) {
        if (x.length == 0) {
            return Double.NaN;
        }
        double[] sorted = x.clone();
        Arrays.sort(sorted);
        double place = q * (sorted.length - 1);
        int below = (int) place;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
    }

    /** The values that are numbers. */
    public static double[] finite(DoubleStream x) {
        return x.filter(Double::isFinite).toArray();
    }
}
