package intuitor.device;

import static intuitor.device.KernelRun.assertClose;
import static intuitor.device.KernelRun.assertStored;
import static intuitor.device.KernelRun.gaussian;
import static intuitor.device.KernelRun.indices;
import static intuitor.device.KernelRun.run;
import static intuitor.device.KernelRun.stored;
import static intuitor.device.KernelRun.widen;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bias, head norms and RoPE. Columns: tokens, query heads, key-value heads, head size. */
class QkvKernelTest {

    private static final double EPS = 1e-6;
    private static final int POSITIONS = 50;

    private record Data(int tokens, int width, float[] qkv, float[] bias, float[] qNorm, float[] kNorm, float[] rope,
            int[] positions, float[] dout) {

        static Data of(int t, int heads, int kvHeads, int d) {
            int width = (heads + 2 * kvHeads) * d;
            return new Data(t, width, gaussian(1, t * width), gaussian(2, width), gaussian(3, d), gaussian(4, d),
                    Oracle.rope(POSITIONS, d, 1e4), indices(5, t, POSITIONS), gaussian(6, t * width));
        }

        Oracle.Qkv oracle(int heads, int kvHeads, int d, boolean norms) {
            return new Oracle.Qkv(heads, kvHeads, d, norms ? widen(qNorm) : null, norms ? widen(kNorm) : null, EPS,
                    widen(rope), positions);
        }

        Tensor rope(KernelRun r, int d) {
            return r.inF32(rope, POSITIONS, 2, d / 2);
        }

        /** The projection with its bias, as it is stored. */
        float[] biased() {
            float[] sum = new float[qkv.length];
            for (int i = 0; i < sum.length; i++) {
                sum[i] = stored(qkv[i] + bias[i % width]);
            }
            return sum;
        }
    }

    @ParameterizedTest
    @CsvSource({"0,2,1,8", "1,1,1,2", "3,4,2,32", "67,4,2,32", "17,8,2,64", "5,14,2,64", "2,6,3,10", "3,3,1,80",
        "9,2,1,128", "2,2,1,256"})
    void forward(int t, int heads, int kvHeads, int d) {
        Data data = Data.of(t, heads, kvHeads, d);
        double[][] results = run(r -> {
            Tensor out = r.out(t, data.width());
            r.kernels().qkvForward(out, r.in(data.qkv(), t, data.width()), null, null, null, EPS, data.rope(r, d),
                    r.in(data.positions()), heads, kvHeads, d);
            Tensor inPlace = r.inOut(data.qkv(), t, data.width());
            r.kernels().qkvForward(inPlace, inPlace, r.in(data.bias(), data.width()), null, null, EPS,
                    data.rope(r, d), r.in(data.positions()), heads, kvHeads, d);
            return new double[][] {r.get(out), r.get(inPlace)};
        });
        Oracle.Qkv oracle = data.oracle(heads, kvHeads, d, false);
        assertStored(oracle.forward(widen(data.qkv()), null), results[0], 1e-6, 1e-6, "without bias");
        assertStored(oracle.forward(widen(data.qkv()), widen(data.bias())), results[1], 1e-6, 1e-6, "in place");
    }

    /** In place and without bias, the values stay as they are, whatever they are. */
    @Test
    void forwardInPlaceWithoutBias() {
        Data data = Data.of(5, 4, 2, 16);
        Arrays.fill(data.qkv(), 6 * 16, 8 * 16, Float.POSITIVE_INFINITY); // the first token's values
        double[][] results = run(r -> {
            Tensor inPlace = r.inOut(data.qkv(), 5, data.width());
            r.kernels().qkvForward(inPlace, inPlace, null, null, null, EPS, data.rope(r, 16), r.in(data.positions()), 4,
                    2, 16);
            return new double[][] {r.get(inPlace)};
        });
        assertStored(data.oracle(4, 2, 16, false).forward(widen(data.qkv()), null), results[0], 1e-6, 1e-6, "in place");
    }

    /** With norms, the biased projection is stored for the backward pass, and what is stored is normalised. */
    @ParameterizedTest
    @CsvSource({"0,2,1,8", "1,1,1,2", "67,4,2,32", "17,8,2,64", "2,6,3,10", "3,3,1,80", "9,2,1,128", "2,2,1,256"})
    void forwardWithNorms(int t, int heads, int kvHeads, int d) {
        Data data = Data.of(t, heads, kvHeads, d);
        double[][] results = run(r -> {
            Tensor out = r.out(t, data.width());
            Tensor qkv = r.inOut(data.qkv(), t, data.width());
            r.kernels().qkvForward(out, qkv, r.in(data.bias(), data.width()), r.in(data.qNorm(), d),
                    r.in(data.kNorm(), d), EPS, data.rope(r, d), r.in(data.positions()), heads, kvHeads, d);
            Tensor unbiased = r.out(t, data.width());
            r.kernels().qkvForward(unbiased, r.in(data.qkv(), t, data.width()), null, r.in(data.qNorm(), d),
                    r.in(data.kNorm(), d), EPS, data.rope(r, d), r.in(data.positions()), heads, kvHeads, d);
            return new double[][] {r.get(out), r.get(qkv), r.get(unbiased)};
        });
        Oracle.Qkv oracle = data.oracle(heads, kvHeads, d, true);
        assertStored(oracle.forward(widen(data.biased()), null), results[0], 4e-6, 4e-6, "out");
        assertClose(widen(data.biased()), results[1], 0, 0, "biased qkv");
        assertStored(oracle.forward(widen(data.qkv()), null), results[2], 4e-6, 4e-6, "without bias");
    }

    @ParameterizedTest
    @CsvSource({"0,2,1,8", "1,1,1,2", "3,4,2,32", "300,4,2,32", "17,8,2,64", "2,6,3,10", "3,3,1,80", "9,2,1,128",
        "2,2,1,256"})
    void backward(int t, int heads, int kvHeads, int d) {
        Data data = Data.of(t, heads, kvHeads, d);
        float[] dbias = gaussian(7, data.width());
        double[][] results = run(r -> {
            Tensor dqkv = r.inOut(data.dout(), t, data.width());
            Tensor db = r.inOutF32(dbias, data.width());
            r.kernels().qkvBackward(dqkv, db, null, null, null, null, null, EPS, data.rope(r, d),
                    r.in(data.positions()), heads, kvHeads, d);
            Tensor unbiased = r.inOut(data.dout(), t, data.width());
            r.kernels().qkvBackward(unbiased, null, null, null, null, null, null, EPS, data.rope(r, d),
                    r.in(data.positions()), heads, kvHeads, d);
            return new double[][] {r.get(dqkv), r.get(db), r.get(unbiased)};
        });
        double[][] expected = data.oracle(heads, kvHeads, d, false).backward(widen(data.dout()), null);
        assertStored(expected[0], results[0], 1e-6, 1e-6, "dqkv");
        assertClose(plus(expected[1], dbias), results[1], 1e-5, 1e-6 * Math.sqrt(t), "dbias");
        assertClose(results[0], results[2], 0, 0, "dqkv without dbias");
    }

    @ParameterizedTest
    @CsvSource({"0,2,1,8", "1,1,1,2", "300,4,2,32", "17,8,2,64", "5,30,5,64", "2,6,3,10", "3,3,1,80", "9,2,1,128",
        "2,2,1,256"})
    void backwardWithNorms(int t, int heads, int kvHeads, int d) {
        Data data = Data.of(t, heads, kvHeads, d);
        float[] dbias = gaussian(7, data.width());
        float[] dqNorm = gaussian(8, d);
        float[] dkNorm = gaussian(9, d);
        Oracle.Qkv oracle = data.oracle(heads, kvHeads, d, true);
        double[][] results = run(r -> {
            Tensor dqkv = r.inOut(data.dout(), t, data.width());
            Tensor db = r.inOutF32(dbias, data.width());
            Tensor dq = r.inOutF32(dqNorm, d);
            Tensor dk = r.inOutF32(dkNorm, d);
            r.kernels().qkvBackward(dqkv, db, dq, dk, r.in(data.qkv(), t, data.width()), r.in(data.qNorm(), d),
                    r.in(data.kNorm(), d), EPS, data.rope(r, d), r.in(data.positions()), heads, kvHeads, d);
            Tensor frozen = r.inOut(data.dout(), t, data.width());
            r.kernels().qkvBackward(frozen, null, null, null, r.in(data.qkv(), t, data.width()), r.in(data.qNorm(), d),
                    r.in(data.kNorm(), d), EPS, data.rope(r, d), r.in(data.positions()), heads, kvHeads, d);
            Tensor keysAlone = r.inOutF32(dkNorm, d);
            r.kernels().qkvBackward(r.inOut(data.dout(), t, data.width()), null, null, keysAlone,
                    r.in(data.qkv(), t, data.width()), r.in(data.qNorm(), d), r.in(data.kNorm(), d), EPS,
                    data.rope(r, d), r.in(data.positions()), heads, kvHeads, d);
            return new double[][] {r.get(dqkv), r.get(db), r.get(dq), r.get(dk), r.get(frozen), r.get(keysAlone)};
        });
        double[][] expected = oracle.backward(widen(data.dout()), widen(data.qkv()));
        // heads of two elements: the gradient is a difference of much larger numbers
        double absolute = d == 2 ? 1e-4 : 1e-5;
        assertStored(expected[0], results[0], 1e-5, absolute, "dqkv");
        assertClose(plus(expected[1], dbias), results[1], 1e-5, absolute * Math.sqrt(t), "dbias");
        assertClose(plus(expected[2], dqNorm), results[2], 1e-5, 1e-6 * Math.sqrt(t * heads), "dqNorm");
        assertClose(plus(expected[3], dkNorm), results[3], 1e-5, 1e-6 * Math.sqrt(t * heads), "dkNorm");
        assertClose(results[0], results[4], 0, 0, "dqkv without the others");
        assertClose(results[3], results[5], 0, 0, "dkNorm without the others");
    }

    @ParameterizedTest
    @CsvSource({"0,2,1,8", "1,1,1,2", "3,4,2,32", "67,4,2,32", "5,14,2,64", "2,6,3,10", "2,3,3,5", "2,2,2,300"})
    void kvCacheWrite(int t, int heads, int kvHeads, int d) {
        int rows = 2 * t;
        int width = (heads + 2 * kvHeads) * d;
        int kv = kvHeads * d;
        float[] qkv = gaussian(1, t * width);
        float[] cache = gaussian(2, rows * kv);
        int[] row = new int[t];
        Arrays.setAll(row, i -> rows - 1 - 2 * i);
        double[][] results = run(r -> {
            Tensor k = r.inOut(cache, rows, kv);
            Tensor v = r.inOut(cache, rows, kv);
            r.kernels().kvCacheWrite(k, v, r.in(qkv, t, width), r.in(row), heads, kvHeads, d);
            return new double[][] {r.get(k), r.get(v)};
        });
        double[][] expected = {widen(cache), widen(cache)};
        for (int i = 0; i < t; i++) {
            for (int j = 0; j < kv; j++) {
                expected[0][row[i] * kv + j] = qkv[i * width + heads * d + j];
                expected[1][row[i] * kv + j] = qkv[i * width + heads * d + kv + j];
            }
        }
        assertClose(expected[0], results[0], 0, 0, "kCache");
        assertClose(expected[1], results[1], 0, 0, "vCache");
    }

    private static double[] plus(double[] a, float[] b) {
        double[] sum = a.clone();
        Arrays.setAll(sum, i -> a[i] + b[i]);
        return sum;
    }
}
