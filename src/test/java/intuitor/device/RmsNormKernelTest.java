package intuitor.device;

import static intuitor.device.KernelRun.assertClose;
import static intuitor.device.KernelRun.assertStored;
import static intuitor.device.KernelRun.gaussian;
import static intuitor.device.KernelRun.run;
import static intuitor.device.KernelRun.stored;
import static intuitor.device.KernelRun.widen;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Columns: tokens, hidden size. */
class RmsNormKernelTest {

    private static final double EPS = 1e-6;

    @ParameterizedTest
    @CsvSource({"0,64", "1,1", "1,17", "3,64", "200,128", "7,511", "33,896", "3,2049", "2,4096", "2,8192", "2,8193"})
    void forward(int t, int h) {
        float[] x = gaussian(1, t * h);
        float[] weight = gaussian(2, h);
        double[][] results = run(r -> {
            Tensor out = r.out(t, h);
            Tensor rstd = r.outF32(t);
            r.kernels().rmsNormForward(out, rstd, null, r.in(x, t, h), null, r.in(weight, h), EPS);
            Tensor withoutRstd = r.out(t, h);
            r.kernels().rmsNormForward(withoutRstd, null, null, r.in(x, t, h), null, r.in(weight, h), EPS);
            return new double[][] {r.get(out), r.get(rstd), r.get(withoutRstd)};
        });
        double[] expected = Oracle.rmsNorm(widen(x), widen(weight), EPS);
        assertStored(expected, results[0], 2e-6, 1e-9, "out");
        assertClose(rstd(widen(x), h), results[1], 2e-6, 0, "rstd");
        assertClose(results[0], results[2], 0, 0, "out without rstd");
    }

    /**
     * sum = x + delta, into memory of its own, over x, and over delta; out over delta. The sum is rounded when it is
     * stored, and out and rstd are exactly those of what was stored.
     */
    @ParameterizedTest
    @CsvSource({"1,1", "3,64", "40,130", "9,2048", "2,4099", "1,8200"})
    void forwardWithResidual(int t, int h) {
        float[] x = gaussian(1, t * h);
        float[] delta = gaussian(2, t * h);
        float[] weight = gaussian(3, h);
        float[] sum = new float[t * h];
        for (int i = 0; i < sum.length; i++) {
            sum[i] = stored(x[i] + delta[i]);
        }
        double[][] results = run(r -> {
            Tensor w = r.in(weight, h);
            Tensor rstd = r.outF32(t);
            Tensor again = r.out(t, h);
            Tensor rstdAgain = r.outF32(t);
            r.kernels().rmsNormForward(again, rstdAgain, null, r.in(sum, t, h), null, w, EPS);
            Tensor out = r.out(t, h);
            Tensor apart = r.out(t, h);
            r.kernels().rmsNormForward(out, rstd, apart, r.in(x, t, h), r.in(delta, t, h), w, EPS);
            Tensor overX = r.inOut(x, t, h);
            Tensor outX = r.out(t, h);
            r.kernels().rmsNormForward(outX, null, overX, overX, r.in(delta, t, h), w, EPS);
            Tensor overDelta = r.inOut(delta, t, h);
            Tensor outDelta = r.out(t, h);
            r.kernels().rmsNormForward(outDelta, null, overDelta, r.in(x, t, h), overDelta, w, EPS);
            Tensor outOverDelta = r.inOut(delta, t, h);
            Tensor fourth = r.inOut(x, t, h);
            r.kernels().rmsNormForward(outOverDelta, null, fourth, fourth, outOverDelta, w, EPS);
            return new double[][] {r.get(again), r.get(rstdAgain), r.get(rstd), r.get(out), r.get(apart), r.get(outX),
                r.get(overX), r.get(outDelta), r.get(overDelta), r.get(outOverDelta), r.get(fourth)};
        });
        assertStored(Oracle.rmsNorm(widen(sum), widen(weight), EPS), results[0], 2e-6, 1e-9, "out");
        assertClose(results[1], results[2], 0, 0, "rstd");
        for (int i = 3; i < results.length; i += 2) {
            assertClose(results[0], results[i], 0, 0, "out " + i);
            assertClose(widen(sum), results[i + 1], 0, 0, "sum " + i);
        }
    }

    @Test
    void rowsOfZerosAndLargeRows() {
        float[] x = new float[3 * 32];
        Arrays.fill(x, 32, 64, stored(1e15f));
        Arrays.fill(x, 64, 96, stored(1e-15f));
        float[] weight = gaussian(1, 32);
        double[][] results = run(r -> {
            Tensor out = r.out(3, 32);
            r.kernels().rmsNormForward(out, null, null, r.in(x, 3, 32), null, r.in(weight, 32), EPS);
            return new double[][] {r.get(out)};
        });
        assertStored(Oracle.rmsNorm(widen(x), widen(weight), EPS), results[0], 2e-6, 1e-30, "out");
    }

    @ParameterizedTest
    @CsvSource({"0,64", "1,1", "1,17", "3,64", "60,520", "7,511", "1000,96", "10,2049", "9,4096", "2,8192", "17,8193"})
    void backward(int t, int h) {
        float[] dx = gaussian(1, t * h);
        float[] dweight = gaussian(2, h);
        float[] dout = gaussian(3, t * h);
        float[] x = gaussian(4, t * h);
        float[] weight = gaussian(5, h);
        float[] rstd = narrow(rstd(widen(x), h));
        double[][] results = run(r -> {
            Tensor d = r.inOut(dx, t, h);
            Tensor dw = r.inOutF32(dweight, h);
            r.kernels().rmsNormBackward(d, dw, r.in(dout, t, h), r.in(x, t, h), r.in(weight, h), r.inF32(rstd, t));
            Tensor frozen = r.inOut(dx, t, h);
            r.kernels().rmsNormBackward(frozen, null, r.in(dout, t, h), r.in(x, t, h), r.in(weight, h),
                    r.inF32(rstd, t));
            return new double[][] {r.get(d), r.get(dw), r.get(frozen)};
        });
        double[][] expected = Oracle.rmsNormBackward(widen(dout), widen(x), widen(weight), EPS);
        Arrays.setAll(expected[0], i -> expected[0][i] + dx[i]);
        Arrays.setAll(expected[1], i -> expected[1][i] + dweight[i]);
        // a row of one element: dx is the difference of nearly equal numbers as large as |x| rstd^2 |w dout|
        assertStored(expected[0], results[0], 5e-6, h == 1 ? 1e-4 : 5e-6, "dx");
        assertClose(expected[1], results[1], 1e-5, 1e-6 * Math.sqrt(t), "dweight");
        assertClose(results[0], results[2], 0, 0, "dx without dweight");
    }

    private static double[] rstd(double[] x, int h) {
        double[] rstd = new double[x.length / h];
        Arrays.setAll(rstd, row -> Oracle.rstd(x, row * h, h, EPS));
        return rstd;
    }

    private static float[] narrow(double[] values) {
        float[] result = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            result[i] = (float) values[i];
        }
        return result;
    }
}
