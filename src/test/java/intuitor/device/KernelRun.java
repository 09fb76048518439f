package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Function;

/**
 * One execution of kernels on a device of its own, with every tensor between guards: nothing may be written beside an
 * output, and inputs must be left alone. Tensors begin at different distances from a 64-byte boundary.
 *
 * <p>The device is "cpu" unless the property {@code intuitor.test.device} names another, so the same tests hold for
 * every library.
 */
final class KernelRun implements AutoCloseable {

    private static final int GUARD = 67; // elements on each side

    private record Guarded(Tensor whole, Tensor inside, float[] input) {
    }

    private final Device device;
    private final Arena arena;
    private final List<Guarded> tensors = new ArrayList<>();

    private KernelRun(int threads) {
        device = open(threads);
        arena = device.arena("kernel test");
    }

    /** The device under test. */
    static Device open(int threads) {
        return Device.open(System.getProperty("intuitor.test.device", "cpu"), threads);
    }

    /**
     * Runs it twice on two threads and once on one: the same bits each time, which are returned, a row per result.
     *
     * @param kernel makes inputs and outputs, calls the kernels, returns what {@link #get} gave
     */
    static double[][] run(Function<KernelRun, double[][]> kernel) {
        double[][] first = once(2, kernel);
        double[][] again = once(2, kernel);
        double[][] alone = once(1, kernel);
        for (int i = 0; i < first.length; i++) {
            assertArrayEquals(first[i], again[i], "result " + i + " of a second run");
            assertArrayEquals(first[i], alone[i], "result " + i + " of a run on one thread");
        }
        return first;
    }

    private static double[][] once(int threads, Function<KernelRun, double[][]> kernel) {
        try (KernelRun run = new KernelRun(threads)) {
            double[][] results = kernel.apply(run);
            run.checkGuards();
            return results;
        }
    }

    Kernels kernels() {
        return device.kernels();
    }

    Device device() {
        return device;
    }

    Arena arena() {
        return arena;
    }

    /** An fp32 input, which must not change. */
    Tensor in(float[] values, long... shape) {
        return put(values, true, shape);
    }

    /** An fp32 tensor that a kernel updates. */
    Tensor inOut(float[] values, long... shape) {
        return put(values, false, shape);
    }

    /** An fp32 output, NaN before. */
    Tensor out(long... shape) {
        return guarded(DType.F32, shape);
    }

    /** An output of another type. */
    Tensor out(DType dtype, long... shape) {
        return guarded(dtype, shape);
    }

    Tensor in(int[] values) {
        return arena.upload("int input", values);
    }

    Tensor in(long[] values) {
        return arena.upload("long input", values);
    }

    /** Values rounded to a narrower type. */
    Tensor in(DType dtype, float[] values, long... shape) {
        Tensor narrow = guarded(dtype, shape);
        device.cast(narrow, arena.upload("wide", values, shape));
        return narrow;
    }

    /** What a tensor holds; all types but int64. */
    double[] get(Tensor t) {
        double[] result = new double[Math.toIntExact(t.size())];
        switch (t.dtype()) {
            case F64 -> device.download(result, t);
            case I32 -> {
                int[] values = new int[result.length];
                device.download(values, t);
                Arrays.setAll(result, i -> values[i]);
            }
            default -> {
                float[] values = floats(t);
                Arrays.setAll(result, i -> values[i]);
            }
        }
        return result;
    }

    private float[] floats(Tensor t) {
        Tensor wide = t;
        if (t.dtype() != DType.F32) {
            wide = arena.allocate("wide", DType.F32, t.size());
            device.cast(wide, t);
        }
        float[] values = new float[Math.toIntExact(t.size())];
        device.download(values, wide);
        return values;
    }

    private Tensor put(float[] values, boolean unchanged, long... shape) {
        Tensor inside = guarded(DType.F32, shape);
        device.upload(inside, values);
        if (unchanged) {
            tensors.set(tensors.size() - 1, new Guarded(tensors.getLast().whole(), inside, values.clone()));
        }
        return inside;
    }

    private Tensor guarded(DType dtype, long... shape) {
        long size = Tensor.sizeOf(shape);
        long before = GUARD + size % 5; // seldom a multiple of a vector's length
        Tensor whole = arena.allocate("guarded", dtype, before + size + GUARD); // all ones, under Checks
        Tensor inside = whole.slice(before, shape);
        tensors.add(new Guarded(whole, inside, null));
        return inside;
    }

    private void checkGuards() {
        for (Guarded t : tensors) {
            long before = (t.inside().address() - t.whole().address()) / t.whole().dtype().bytes();
            if (t.whole().dtype() != DType.F64) {
                requireUntouched(t.whole().slice(0, before), "before");
                requireUntouched(t.whole().slice(before + t.inside().size(), GUARD), "after");
            }
            if (t.input() != null) {
                assertArrayEquals(t.input(), floats(t.inside()), "an input was changed");
            }
        }
    }

    private void requireUntouched(Tensor guard, String where) {
        for (double value : get(guard)) {
            assertEquals(guard.dtype() == DType.I32 ? -1 : Double.NaN, value, "written " + where + " a tensor");
        }
    }

    @Override
    public void close() {
        device.close();
    }

    // --- data and comparison ---------------------------------------------------------------------------------------

    /** Normally distributed, seeded. */
    static float[] gaussian(long seed, int n) {
        Random random = new Random(seed);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** Uniform in [0, bound), seeded. */
    static int[] indices(long seed, int n, int bound) {
        return new Random(seed).ints(n, 0, bound).toArray();
    }

    static double[] widen(float[] values) {
        double[] result = new double[values.length];
        Arrays.setAll(result, i -> values[i]);
        return result;
    }

    /** Every element within relative * |expected| + absolute; infinities and NaN must agree. */
    static void assertClose(double[] expected, double[] actual, double relative, double absolute, String what) {
        assertEquals(expected.length, actual.length, what);
        for (int i = 0; i < expected.length; i++) {
            if (Double.isFinite(expected[i])) {
                assertEquals(expected[i], actual[i], relative * Math.abs(expected[i]) + absolute,
                        what + ", element " + i);
            } else {
                assertEquals(expected[i], actual[i], what + ", element " + i);
            }
        }
    }
}
