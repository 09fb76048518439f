package intuitor.device;

import static intuitor.device.KernelRun.gaussian;
import static intuitor.device.KernelRun.indices;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import intuitor.UserError;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every step of the lab beside fp64, on the emulated device or a GPU. */
class KernelLabTest {

    /** Of logits of standard deviation 3: a lane of the first step adds a whole row in fp32. */
    private static final double TOLERANCE = 1e-4;

    @ParameterizedTest
    @CsvSource({"F32, 1, 1", "BF16, 3, 17", "F32, 2, 4099", "BF16, 130, 256", "BF16, 2, 8192", "BF16, 1, 20001"})
    void everyStep(DType dtype, int n, int v) {
        float[] logits = gaussian(v, n * v);
        for (int i = 0; i < logits.length; i++) {
            logits[i] *= 3;
        }
        assertAllSteps(dtype, logits, n, v);
    }

    /** A maximum at the end, logits far from 0, tokens that cannot be. */
    @ParameterizedTest
    @CsvSource({"F32", "BF16"})
    void hardRows(DType dtype) {
        int v = 3000;
        float[] logits = gaussian(1, 3 * v);
        logits[v - 1] = 1000;
        Arrays.fill(logits, v, 2 * v, -5000);
        for (int i = 2 * v; i < 3 * v; i += 2) {
            logits[i] = Float.NEGATIVE_INFINITY;
        }
        assertAllSteps(dtype, logits, 3, v);
    }

    @Test
    void theCpuHasNone() {
        try (Device device = Device.open("cpu", 1)) {
            String said = assertThrows(UserError.class, () -> KernelLab.reductions(device)).getMessage();
            assertEquals("the lab's kernels are CUDA kernels, and the device is cpu; give --device cuda on a machine "
                    + "with an NVIDIA GPU", said);
        }
    }

    private static void assertAllSteps(DType dtype, float[] values, int n, int v) {
        try (Device device = TestDevices.openForCuda(0); Arena arena = device.arena("lab")) {
            int[] target = indices(1, n, v);
            for (int row = 0; row < n; row++) { // one that can be
                while (values[row * v + target[row]] == Float.NEGATIVE_INFINITY) {
                    target[row] = (target[row] + 1) % v;
                }
            }
            Tensor logits = GemmOracle.put(arena, dtype, values, 0, n, v);
            Tensor targets = arena.upload("targets", target);
            float[] stored = GemmOracle.get(logits);
            List<KernelLab.Reduction> steps = KernelLab.reductions(device);
            assertFalse(steps.isEmpty());
            for (KernelLab.Reduction step : steps) {
                VocabStats out = new VocabStats(f32(arena, n), f32(arena, n), f32(arena, n), f32(arena, n), null);
                step.run(out, logits, targets);
                for (int row = 0; row < n; row++) {
                    double[] z = KernelRun.widen(Arrays.copyOfRange(stored, row * v, (row + 1) * v));
                    VocabOracle.Stats expected = VocabOracle.stats(z, target[row], 1, 1);
                    String what = "step " + step.name() + ", row " + row + ": ";
                    assertClose(expected.lse(), out.lse(), row, what + "lse");
                    assertClose(expected.logprob(), out.logprob(), row, what + "logprob");
                    assertClose(expected.entropy(), out.entropy(), row, what + "entropy");
                    assertClose(expected.selfCertainty(), out.selfCertainty(), row, what + "self-certainty");
                }
            }
        }
    }

    private static Tensor f32(Arena arena, int n) {
        return arena.zeros("output", DType.F32, n);
    }

    private static void assertClose(double expected, Tensor actual, int row, String what) {
        float value = GemmOracle.get(actual)[row];
        if (Double.isInfinite(expected)) {
            assertEquals(expected, value, what);
        } else {
            assertEquals(expected, value, TOLERANCE * Math.max(1, Math.abs(expected)), what);
        }
    }
}
