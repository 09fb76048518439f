package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;

/** What every {@link Blas} is compared with: three loops in fp64. */
final class GemmOracle {

    /** Half a unit in the last place of bf16, as a part of the value. */
    private static final double BF16_ROUNDING = 1.0 / 256;

    private GemmOracle() {
    }

    /**
     * Multiplies random m x k and k x n matrices in all transpositions, with and without accumulation, each twice:
     * close to the oracle, and the same bits.
     *
     * @param type   of a and b
     * @param result type of c
     * @param offset elements by which each tensor begins after a 64-byte boundary
     */
    static void check(Blas blas, Device device, int m, int n, int k, DType type, DType result, int offset) {
        Random random = new Random(m * 31 + n * 7 + k);
        for (boolean transA : new boolean[] {false, true}) {
            for (boolean transB : new boolean[] {false, true}) {
                for (boolean accumulate : new boolean[] {false, true}) {
                    float[] a = gaussian(random, m * k, type);
                    float[] b = gaussian(random, k * n, type);
                    float[] c = gaussian(random, m * n, result);
                    double[] expected = product(m, n, k, a, transA, b, transB, accumulate ? c : null);
                    float[][] actual = new float[2][];
                    for (int run = 0; run < actual.length; run++) {
                        try (Arena arena = device.arena("test")) {
                            Tensor at = put(arena, type, a, offset, transA ? k : m, transA ? m : k);
                            Tensor bt = put(arena, type, b, offset, transB ? n : k, transB ? k : n);
                            Tensor ct = accumulate
                                    ? put(arena, result, c, offset, m, n)
                                    : arena.allocate("c", result, offset + (long) m * n).slice(offset, m, n);
                            blas.gemm(ct, at, transA, bt, transB, accumulate);
                            actual[run] = get(ct);
                        }
                    }
                    assertArrayEquals(actual[0], actual[1], 0f, "the same bits twice");
                    assertClose(expected, actual[0], k, result, type + " transA " + transA + ", transB " + transB
                            + ", accumulate " + accumulate);
                }
            }
        }
    }

    static void assertClose(double[] expected, float[] actual, int k, DType result, String what) {
        double rounding = result == DType.BF16 ? BF16_ROUNDING : 0;
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], actual[i], 4e-5 * Math.sqrt(k) + rounding * Math.abs(expected[i]),
                    what + ", element " + i);
        }
    }

    /** op(a) op(b), added to c if it is given. */
    static double[] product(int m, int n, int k, float[] a, boolean transA, float[] b, boolean transB, float[] c) {
        double[] result = new double[m * n];
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                double sum = c == null ? 0 : c[i * n + j];
                for (int l = 0; l < k; l++) {
                    sum += (double) a[transA ? l * m + i : i * k + l] * b[transB ? j * k + l : l * n + j];
                }
                result[i * n + j] = sum;
            }
        }
        return result;
    }

    /** Normally distributed values that the type holds exactly. */
    static float[] gaussian(Random random, int n, DType type) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            float value = (float) random.nextGaussian();
            values[i] = type == DType.F32 ? value
                    : Float.intBitsToFloat(Float.floatToRawIntBits(value) & 0xffff0000);
        }
        return values;
    }

    /** A tensor with these values that begins some elements after a 64-byte boundary. */
    static Tensor put(Arena arena, DType type, float[] values, int offset, long... shape) {
        Tensor tensor = arena.allocate("operand", type, offset + values.length).slice(offset, shape);
        if (type == DType.F32) {
            arena.device().upload(tensor, values);
        } else {
            arena.device().cast(tensor, arena.upload("wide", values));
        }
        return tensor;
    }

    static float[] get(Tensor t) {
        Tensor wide = t;
        if (t.dtype() != DType.F32) {
            wide = t.owner().allocate("wide", DType.F32, t.size());
            t.owner().device().cast(wide, t);
        }
        float[] values = new float[Math.toIntExact(t.size())];
        t.owner().device().download(values, wide);
        return values;
    }
}
