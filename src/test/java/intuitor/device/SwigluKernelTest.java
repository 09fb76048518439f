package intuitor.device;

import static intuitor.device.KernelRun.assertClose;
import static intuitor.device.KernelRun.assertStored;
import static intuitor.device.KernelRun.gaussian;
import static intuitor.device.KernelRun.run;
import static intuitor.device.KernelRun.widen;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Columns: tokens, features. */
class SwigluKernelTest {

    @ParameterizedTest
    @CsvSource({"0,8", "1,1", "1,17", "3,64", "70,512", "7,511", "2,8960"})
    void forward(int t, int f) {
        float[] gateUp = gaussian(1, 2 * t * f);
        double[][] results = run(r -> {
            Tensor out = r.out(t, f);
            r.kernels().swigluForward(out, r.in(gateUp, t, 2 * f));
            return new double[][] {r.get(out)};
        });
        assertStored(Oracle.swiglu(widen(gateUp), f), results[0], 2e-6, 1e-12, "out");
    }

    @ParameterizedTest
    @CsvSource({"0,8", "1,1", "1,17", "3,64", "70,512", "7,511", "2,8960"})
    void backward(int t, int f) {
        float[] gateUp = gaussian(1, 2 * t * f);
        float[] dout = gaussian(2, t * f);
        double[][] results = run(r -> {
            Tensor d = r.inOut(gateUp, t, 2 * f);
            Tensor out = r.out(t, f);
            r.kernels().swigluBackward(d, out, r.in(dout, t, f));
            Tensor alone = r.inOut(gateUp, t, 2 * f);
            r.kernels().swigluBackward(alone, null, r.in(dout, t, f));
            return new double[][] {r.get(d), r.get(out), r.get(alone)};
        });
        assertStored(Oracle.swigluBackward(widen(dout), widen(gateUp), f), results[0], 4e-6, 1e-6, "gateUp");
        assertStored(Oracle.swiglu(widen(gateUp), f), results[1], 2e-6, 1e-12, "out");
        assertClose(results[0], results[2], 0, 0, "gateUp without out");
    }

    @Test
    void gatesFarFromZero() {
        float[] gateUp = {-9984, -200, -100, -88, -30, 30, 88, 100, 200, 9984, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
        float[] dout = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
        double[][] results = run(r -> {
            Tensor out = r.out(1, 10);
            r.kernels().swigluForward(out, r.in(gateUp, 1, 20));
            Tensor d = r.inOut(gateUp, 1, 20);
            r.kernels().swigluBackward(d, null, r.in(dout, 1, 10));
            return new double[][] {r.get(out), r.get(d)};
        });
        assertStored(Oracle.swiglu(widen(gateUp), 10), results[0], 2e-6, 1e-30, "out");
        assertStored(Oracle.swigluBackward(widen(dout), widen(gateUp), 10), results[1], 4e-6, 1e-30, "gateUp");
    }
}
