package intuitor.bench;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Tensor;
import java.util.SplittableRandom;

/** Tensors of random numbers in one arena, the same for the same calls. */
final class Inputs {

    /** Tensors repeat this many random numbers: making more takes longer than measuring. */
    private static final int NOISE = 1 << 20;

    private final Arena arena;
    private final SplittableRandom random = new SplittableRandom(1);
    private final Tensor noise;

    Inputs(Arena arena) {
        this.arena = arena;
        float[] values = new float[NOISE];
        for (int i = 0; i < NOISE; i++) {
            values[i] = (float) random.nextGaussian();
        }
        noise = arena.upload("noise", values);
    }

    private Inputs(Arena arena, Tensor noise) {
        this.arena = arena;
        this.noise = noise;
    }

    /** The same noise for another arena. */
    Inputs in(Arena other) {
        return new Inputs(other, noise);
    }

    /** Where these tensors are. */
    Arena arena() {
        return arena;
    }

    Device device() {
        return arena.device();
    }

    /** Normally distributed, of standard deviation 1. */
    Tensor gaussian(DType dtype, long... shape) {
        Tensor t = empty(dtype, shape);
        for (long at = 0; at < t.size();) {
            int from = random.nextInt(NOISE / 2);
            long n = Math.min(t.size() - at, NOISE - from);
            device().cast(t.slice(at, n), noise.slice(from, n));
            at += n;
        }
        return t;
    }

    Tensor zeros(DType dtype, long... shape) {
        return arena.zeros("zeros", dtype, shape);
    }

    Tensor empty(DType dtype, long... shape) {
        return arena.allocate("tensor", dtype, shape);
    }

    /** Uniform in [0, bound). */
    Tensor indices(int n, int bound) {
        return arena.upload("indices", random.ints(n, 0, bound).toArray());
    }

    Tensor ints(int[] values) {
        return arena.upload("ints", values);
    }

    Tensor longs(long[] values) {
        return arena.upload("longs", values);
    }

    /** The numbers of a tensor of any floating-point type, on the host. */
    double[] values(Tensor t) {
        float[] values = new float[Math.toIntExact(t.size())];
        try (Arena scope = arena.scope("values")) {
            Tensor wide = t;
            if (t.dtype() != DType.F32) {
                wide = scope.allocate("values", DType.F32, t.size());
                device().cast(wide, t.view(t.size()));
            }
            device().download(values, wide);
        }
        double[] result = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            result[i] = values[i];
        }
        return result;
    }

    /** Of a tensor of integers. */
    int[] integers(Tensor t) {
        int[] values = new int[Math.toIntExact(t.size())];
        device().download(values, t);
        return values;
    }

    /** RoPE's cosines and sines, fp32 [positions, 2, headDim / 2]; any numbers do. */
    Tensor rope(int positions, int headDim) {
        return gaussian(DType.F32, positions, 2, headDim / 2);
    }
}
