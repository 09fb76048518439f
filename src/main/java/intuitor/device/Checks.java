package intuitor.device;

import java.util.Arrays;

/**
 * Whether shapes, types, index ranges and lifetimes are verified before every device call. The property
 * {@code intuitor.checks} decides ({@code true} or {@code false}); without it, checks are on where Java's assertions
 * are ({@code -ea}, as in tests). A static final, so that production code pays nothing.
 */
public final class Checks {

    /** Are the checks on? */
    public static final boolean ENABLED = enabled();

    private Checks() {
    }

    private static boolean enabled() {
        String property = System.getProperty("intuitor.checks");
        return property != null ? Boolean.parseBoolean(property) : Checks.class.desiredAssertionStatus();
    }

    /** The tensor has this type and this shape; null passes (the ABI's "optional"). */
    static void optional(String call, String argument, Tensor t, DType dtype, long... shape) {
        if (t != null) {
            required(call, argument, t, dtype, shape);
        }
    }

    /** The tensor is there, has this type and this shape. */
    static void required(String call, String argument, Tensor t, DType dtype, long... shape) {
        if (t == null) {
            throw new IllegalArgumentException(call + ": " + argument + " is missing");
        }
        boolean same = t.dtype() == dtype && t.rank() == shape.length;
        for (int i = 0; same && i < shape.length; i++) {
            same = t.dim(i) == shape[i];
        }
        if (!same) {
            throw new IllegalArgumentException(
                    call + ": " + argument + " must be " + dtype + Arrays.toString(shape) + ", not " + t);
        }
    }

    /** The tensor is there and has this rank. */
    static void rank(String call, String argument, Tensor t, int rank) {
        if (t == null) {
            throw new IllegalArgumentException(call + ": " + argument + " is missing");
        }
        if (t.rank() != rank) {
            throw new IllegalArgumentException(call + ": " + argument + " must have " + rank + " dimensions, not " + t);
        }
    }

    /** A condition on the arguments as a whole. */
    static void that(boolean condition, String call, String what) {
        if (!condition) {
            throw new IllegalArgumentException(call + ": " + what);
        }
    }

    /** The two share no byte (null shares none). */
    static void distinct(String call, Tensor a, Tensor b) {
        if (a != null && b != null && a.address() < b.address() + b.bytes() && b.address() < a.address() + a.bytes()) {
            throw new IllegalArgumentException(call + ": " + a + " and " + b + " overlap");
        }
    }

    /**
     * Every element of an int32 tensor lies in [0, bound). Reads the tensor back from the device, unless work is
     * recorded there.
     */
    static void indices(String call, String argument, Tensor t, long bound) {
        if (t.owner().device().isRecording()) {
            return;
        }
        int[] values = new int[Math.toIntExact(t.size())];
        t.owner().device().download(values, t);
        for (int i = 0; i < values.length; i++) {
            if (values[i] < 0 || values[i] >= bound) {
                throw new IllegalArgumentException(call + ": " + argument + "[" + i + "] = " + values[i]
                        + " is outside [0, " + bound + ")");
            }
        }
    }
}
