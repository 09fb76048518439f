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
 * output, and inputs must be left alone.
 *
 * <p>The same tests hold for every library and storage type: {@link TestDevices}. With the property
 * {@code intuitor.test.exact} there are no guards, so that a memory checker sees where tensors end.
 */
final class KernelRun implements AutoCloseable {

    /** The type of what {@link #in}, {@link #inOut} and {@link #out} make. */
    static final DType STORAGE = TestDevices.STORAGE;

    private static final boolean EXACT = Boolean.getBoolean("intuitor.test.exact");
    private static final int GUARD = EXACT ? 0 : 67; // elements on each side, at least

    private record Guarded(Tensor whole, Tensor inside, float[] input) {
    }

    private final Device device;
    private final Arena arena;
    private final List<Guarded> tensors = new ArrayList<>();
    private final boolean aligned; // tensors begin at multiples of 64 bytes, else at different distances from them

    private KernelRun(int threads, boolean aligned) {
        this.aligned = aligned || EXACT;
        device = TestDevices.open(threads);
        arena = device.arena("kernel test");
    }

    /**
     * Runs it twice on two threads and once on one: the same bits each time, which are returned, a row per result.
     * Then once more with aligned tensors, where kernels may go other ways: results must come out much the same.
     *
     * @param kernel makes inputs and outputs, calls the kernels, returns what {@link #get} gave
     */
    static double[][] run(Function<KernelRun, double[][]> kernel) {
        double[][] first = once(2, false, kernel);
        double[][] again = once(2, false, kernel);
        double[][] alone = once(1, false, kernel);
        double[][] aligned = once(2, true, kernel);
        for (int i = 0; i < first.length; i++) {
            assertArrayEquals(first[i], again[i], "result " + i + " of a second run");
            assertArrayEquals(first[i], alone[i], "result " + i + " of a run on one thread");
            double largest = Arrays.stream(first[i]).map(Math::abs).filter(Double::isFinite).max().orElse(0);
            assertClose(first[i], aligned[i], 0, (STORAGE == DType.F32 ? 2e-5 : 0x1p-6) * largest,
                    "result " + i + " of a run with aligned tensors");
        }
        return first;
    }

    /**
     * Only with aligned tensors, twice on one thread: the same bits, which are returned. For kernels that have a way of
     * their own for aligned tensors, whose results deserve as close a look as those of {@link #run}.
     */
    static double[][] runAligned(Function<KernelRun, double[][]> kernel) {
        double[][] first = once(1, true, kernel);
        double[][] again = once(1, true, kernel);
        for (int i = 0; i < first.length; i++) {
            assertArrayEquals(first[i], again[i], "result " + i + " of a second run");
        }
        return first;
    }

    private static double[][] once(int threads, boolean aligned, Function<KernelRun, double[][]> kernel) {
        try (KernelRun run = new KernelRun(threads, aligned)) {
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

    /** An input of the storage type, which must not change. */
    Tensor in(float[] values, long... shape) {
        return in(STORAGE, values, shape);
    }

    /** A tensor of the storage type that a kernel updates. */
    Tensor inOut(float[] values, long... shape) {
        return inOut(STORAGE, values, shape);
    }

    /** An output of the storage type, NaN before. */
    Tensor out(long... shape) {
        return guarded(STORAGE, shape);
    }

    /** An fp32 input, which must not change. */
    Tensor inF32(float[] values, long... shape) {
        return in(DType.F32, values, shape);
    }

    /** An fp32 tensor that a kernel updates. */
    Tensor inOutF32(float[] values, long... shape) {
        return inOut(DType.F32, values, shape);
    }

    /** An fp32 output, NaN before. */
    Tensor outF32(long... shape) {
        return guarded(DType.F32, shape);
    }

    /** An output of another type. */
    Tensor out(DType dtype, long... shape) {
        return guarded(dtype, shape);
    }

    /** An int32 tensor that a kernel updates. */
    Tensor inOut(int[] values, long... shape) {
        Tensor inside = guarded(DType.I32, shape);
        device.upload(inside, values);
        return inside;
    }

    Tensor in(int[] values) {
        return arena.upload("int input", values);
    }

    Tensor in(long[] values) {
        return arena.upload("long input", values);
    }

    /** An input of a type, rounded to it, which must not change. */
    Tensor in(DType dtype, float[] values, long... shape) {
        Tensor inside = inOut(dtype, values, shape);
        tensors.set(tensors.size() - 1, new Guarded(tensors.getLast().whole(), inside, floats(inside)));
        return inside;
    }

    /** A tensor of a type that a kernel updates, rounded to it before. */
    Tensor inOut(DType dtype, float[] values, long... shape) {
        Tensor inside = guarded(dtype, shape);
        if (dtype == DType.F32) {
            device.upload(inside, values);
        } else {
            device.cast(inside, arena.upload("wide", values, shape));
        }
        return inside;
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

    private Tensor guarded(DType dtype, long... shape) {
        long size = Tensor.sizeOf(shape);
        long before = !aligned ? GUARD + size % 5 // seldom a multiple of a vector's length
                : EXACT ? 0 : (GUARD + 63) / 64 * 64;
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

    /** Normally distributed, seeded; rounded to the storage type, so that oracles see what kernels see. */
    static float[] gaussian(long seed, int n) {
        Random random = new Random(seed);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = stored((float) random.nextGaussian());
        }
        return values;
    }

    /** The value rounded to the storage type. */
    static float stored(float x) {
        return STORAGE == DType.F32 ? x : bf16(x);
    }

    /** Nearest bf16, ties to even. */
    static float bf16(float x) {
        if (Float.isNaN(x)) {
            return Float.NaN;
        }
        int bits = Float.floatToRawIntBits(x);
        return Float.intBitsToFloat(bits + 0x7fff + (bits >>> 16 & 1) & 0xffff0000);
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

    /**
     * As {@link #assertStored}, where every element has a bound of its own besides.
     *
     * @param bounds [expected.length], absolute
     */
    static void assertStored(double[] expected, double[] bounds, double[] actual, double relative, double absolute,
            String what) {
        assertEquals(expected.length, actual.length, what);
        for (int i = 0; i < expected.length; i++) {
            assertStored(new double[] {expected[i]}, new double[] {actual[i]}, relative, absolute + bounds[i],
                    what + " " + i);
        }
    }

    /** As {@link #assertClose}, for a result of the storage type: to the bounds comes one rounding to it. */
    static void assertStored(double[] expected, double[] actual, double relative, double absolute, String what) {
        assertClose(expected, actual, relative + (STORAGE == DType.F32 ? 0 : 0x1.02p-8), absolute, what);
    }
}
