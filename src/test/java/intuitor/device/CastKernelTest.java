package intuitor.device;

import static intuitor.device.KernelRun.assertClose;
import static intuitor.device.KernelRun.bf16;
import static intuitor.device.KernelRun.gaussian;
import static intuitor.device.KernelRun.run;
import static intuitor.device.KernelRun.widen;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Conversions between storage types, and filling with zeros. */
class CastKernelTest {

    /** Halves of units in the last place, the limits, subnormal numbers, and what is not a number. */
    private static final float[] SPECIAL = {0, -0f, 1, 1.00390625f, 1.01171875f, 1.00390626f, -1.00390625f,
        1.00048828125f, 1.00146484375f, 65504, 65519.99f, 65520, 1e6f, 3.4e38f, 3.3895314e38f, 3.3961776e38f, 6e-8f,
        2.9e-8f, 5.96e-8f, 1e-40f, -1e-41f, 6.1e-5f, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.NaN,
        Float.MIN_VALUE, 9.1835e-41f};

    private static float[] values(int n) {
        float[] values = gaussian(n, n);
        System.arraycopy(SPECIAL, 0, values, 0, Math.min(n, SPECIAL.length));
        return values;
    }

    private static float f16(float x) {
        return Float.float16ToFloat(Float.floatToFloat16(x));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 17, 64, 1000, 100_003})
    void roundsToNearestEven(int n) {
        float[] x = values(n);
        double[][] results = run(r -> {
            Tensor same = r.outF32(n);
            r.device().cast(same, r.inF32(x, n));
            Tensor mixed = r.out(DType.F16, n);
            r.device().cast(mixed, r.in(DType.BF16, x, n));
            Tensor mixedBack = r.out(DType.BF16, n);
            r.device().cast(mixedBack, r.in(DType.F16, x, n));
            return new double[][] {r.get(same), r.get(r.in(DType.BF16, x, n)), r.get(r.in(DType.F16, x, n)),
                r.get(mixed), r.get(mixedBack)};
        });
        float[][] expected = new float[5][n];
        for (int i = 0; i < n; i++) {
            expected[0][i] = x[i];
            expected[1][i] = bf16(x[i]);
            expected[2][i] = f16(x[i]);
            expected[3][i] = f16(bf16(x[i]));
            expected[4][i] = bf16(f16(x[i]));
        }
        for (int k = 0; k < expected.length; k++) {
            assertClose(widen(expected[k]), results[k], 0, 0, "conversion " + k);
        }
    }

    @Test
    void zero() {
        double[][] results = run(r -> {
            Tensor t = r.inOut(gaussian(1, 100_003), 100_003);
            r.device().zero(t.slice(1, 100_001));
            return new double[][] {r.get(t)};
        });
        assertEquals(2, Arrays.stream(results[0]).filter(x -> x != 0).count(), "only the ends are left");
    }
}
