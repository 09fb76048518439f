package intuitor.bench;

import java.util.stream.IntStream;

/**
 * How far results are from the same in double precision: the greatest difference, relative to the greatest value there
 * should be. Where there is much, a sample is looked at.
 */
final class Errors {

    private Errors() { }

    /** The first, the middle and the last of n. */
    static int[] sample(int n) {
        return IntStream.of(0, n / 2, n - 1).distinct().toArray();
    }

    /** Infinite where a result is no number. */
    static double of(double[] results, double[] expected) {
        double difference = 0;
        double greatest = 0;
        for (int i = 0; i < expected.length; i++) {
            if (!Double.isFinite(results[i])) {
                return Double.POSITIVE_INFINITY;
            }
            difference = Math.max(difference, Math.abs(results[i] - expected[i]));
            greatest = Math.max(greatest, Math.abs(expected[i]));
        }
        return difference / Math.max(greatest, Double.MIN_NORMAL);
    }

    static double of(double result, double expected) {
        return of(new double[] {result}, new double[] {expected});
    }
}
