package intuitor.device;

import static intuitor.device.KernelRun.assertClose;
import static intuitor.device.KernelRun.gaussian;
import static intuitor.device.KernelRun.run;
import static intuitor.device.KernelRun.widen;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** AdamW and what goes with it: the norm of the gradient, the search for NaN, the bandwidth probe. */
class OptimiserKernelTest {

    @ParameterizedTest
    @CsvSource({"0, 0, 1", "1, 0, 1", "17, 0.1, 1", "1000, 0, 0.25", "30003, 0.01, 1"})
    void adamw(int n, double weightDecay, double gradScale) {
        float[] param = gaussian(1, n);
        int steps = 3;
        double[][] results = run(r -> {
            Tensor p = r.inOutF32(param, n);
            Tensor m = r.inOutF32(new float[n], n);
            Tensor v = r.inOutF32(new float[n], n);
            for (int step = 1; step <= steps; step++) {
                r.kernels().adamw(p, r.inF32(gaussian(step, n), n), m, v, 1e-3, 0.9, 0.999, 1e-8, weightDecay,
                        gradScale, step);
            }
            return new double[][] {r.get(p), r.get(m), r.get(v)};
        });
        double[] p = widen(param);
        double[] m = new double[n];
        double[] v = new double[n];
        for (int step = 1; step <= steps; step++) {
            Oracle.adamw(p, widen(gaussian(step, n)), m, v, 1e-3f, 0.9f, 0.999f, 1e-8f, (float) weightDecay,
                    (float) gradScale, step);
        }
        assertClose(p, results[0], 2e-7, 1e-8, "param");
        assertClose(m, results[1], 1e-6, 4e-8, "m");
        assertClose(v, results[2], 1e-6, 1e-12, "v");
    }

    /** The bias corrections stay right where beta^t vanishes. */
    @Test
    void adamwLateInTraining() {
        double[][] results = run(r -> {
            Tensor p = r.inOutF32(new float[] {1}, 1);
            r.kernels().adamw(p, r.inF32(new float[] {0.5f}, 1), r.inOutF32(new float[] {0.5f}, 1),
                    r.inOutF32(new float[] {0.25f}, 1), 0.1, 0.9, 0.999, 1e-8, 0, 1, 1_000_000);
            return new double[][] {r.get(p)};
        });
        assertEquals(0.9, results[0][0], 1e-6);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 17, 1000, 65_536, 300_003})
    void sumSquares(int n) {
        float[] x = gaussian(n, n);
        double[][] results = run(r -> {
            Tensor out = r.out(DType.F64, 1);
            r.kernels().sumSquares(out, r.inF32(x, n));
            return new double[][] {r.get(out)};
        });
        double expected = Arrays.stream(widen(x)).map(value -> value * value).sum();
        assertEquals(expected, results[0][0], 1e-12 * expected);
    }

    @ParameterizedTest
    @CsvSource({"F32, 1", "F32, 17", "F32, 40001", "BF16, 1", "BF16, 17", "BF16, 40001", "F16, 17", "F16, 40001"})
    void anyNonfinite(DType dtype, int n) {
        float largest = dtype == DType.F16 ? 65504 : 3e38f;
        float infinity = Float.POSITIVE_INFINITY;
        for (float bad : new float[] {Float.NaN, infinity, -infinity, largest, -largest, 0}) {
            for (int at : new int[] {0, n / 2, n - 1}) {
                float[] x = gaussian(n, n);
                x[at] = bad;
                double[][] results = run(r -> {
                    Tensor out = r.out(DType.I32, 1);
                    r.kernels().anyNonfinite(out, r.in(dtype, x, n));
                    return new double[][] {r.get(out)};
                });
                assertEquals(Float.isFinite(bad) ? 0 : 1, results[0][0], bad + " at " + at);
            }
        }
    }

    @Test
    void anEmptyBufferIsFinite() {
        double[][] results = run(r -> {
            Tensor out = r.out(DType.I32, 1);
            r.kernels().anyNonfinite(out, r.inF32(new float[0], 0));
            return new double[][] {r.get(out)};
        });
        assertEquals(0, results[0][0]);
    }

    /** Whole numbers, whose sum is exact in any order: every element is read, once. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 1000, 65_536, 300_003})
    void readCeiling(int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = i % 7;
        }
        double[][] results = run(r -> {
            Tensor out = r.outF32(1);
            r.kernels().readCeiling(out, r.inF32(x, n));
            return new double[][] {r.get(out)};
        });
        assertEquals(Arrays.stream(widen(x)).sum(), results[0][0]);
    }
}
