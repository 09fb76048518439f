package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** The relative error of a whole tensor: the length of the difference over the length of what was expected. */
public final class Relative {

    private Relative() {
    }

    /** |actual - expected| / |expected|, Euclidean. */
    public static double error(double[] expected, double[] actual) {
        assertEquals(expected.length, actual.length);
        double difference = 0;
        double length = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += (actual[i] - expected[i]) * (actual[i] - expected[i]);
            length += expected[i] * expected[i];
        }
        return Math.sqrt(difference / length);
    }

    /** The error is below the bound; 0 is never expected throughout. */
    public static void assertRelative(double[] expected, double[] actual, double bound, String what) {
        double error = error(expected, actual);
        assertTrue(error < bound, what + ": relative error " + error + ", allowed " + bound);
    }

    /** The same of fp32 values. */
    public static void assertRelative(float[] expected, float[] actual, double bound, String what) {
        assertRelative(widen(expected), widen(actual), bound, what);
    }

    private static double[] widen(float[] values) {
        return KernelRun.widen(values);
    }
}
