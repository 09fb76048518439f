package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The engine's fused LM head beside fp64, on the emulated device or a GPU: what {@link HeadLabTest} does not ask. */
class FusedHeadTest {

    /** lse, logprob, entropy, self-certainty and argmax; NaN where not wanted. */
    private static float[][] run(HeadCase c, double temperature, double certaintyTemperature, boolean... wanted) {
        try (Device device = HeadCase.open(); Arena arena = device.arena("test")) {
            Tensor[] out = new Tensor[5];
            for (int i = 0; i < out.length; i++) {
                out[i] = wanted[i] ? arena.allocate("out", i < 4 ? DType.F32 : DType.I32, c.n()) : null;
            }
            new FusedHead(device, c.weight(arena)).reduce(new VocabStats(out[0], out[1], out[2], out[3], out[4]),
                    c.hidden(arena), arena.upload("targets", c.targets()), temperature, certaintyTemperature);
            float[][] results = new float[5][c.n()];
            for (int i = 0; i < out.length; i++) {
                if (out[i] == null) {
                    Arrays.fill(results[i], Float.NaN);
                } else if (i < 4) {
                    device.download(results[i], out[i]);
                } else {
                    int[] argmax = new int[c.n()];
                    device.download(argmax, out[i]);
                    for (int n = 0; n < argmax.length; n++) {
                        results[i][n] = argmax[n];
                    }
                }
            }
            return results;
        }
    }

    private static void assertOracle(HeadCase c, float[][] results, double temperature, double certaintyTemperature) {
        for (int row = 0; row < c.n(); row++) {
            var e = VocabOracle.stats(c.logits(row), c.targets()[row], temperature, certaintyTemperature);
            double[] expected = {e.lse(), e.logprob(), e.entropy(), e.selfCertainty(), e.argmax()};
            for (int i = 0; i < expected.length; i++) {
                assertEquals(expected[i], results[i][row], 4e-6 * Math.abs(expected[i]) + 1e-5,
                        "output " + i + " of row " + row);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 8, 1, 1, 0.7, 1.3", "5, 40, 300, 1, 0.9, 1", "130, 64, 257, 0.25, 1.4, 0.6",
            "3, 72, 5000, 0.25, 0.8, 0.8", "2, 16, 9001, 1, 0.5, 2"})
    void twoTemperatures(int n, int h, int v, float scale, double temperature, double certaintyTemperature) {
        HeadCase c = HeadCase.of(n, h, v, scale);
        assertOracle(c, run(c, temperature, certaintyTemperature, true, true, true, true, true), temperature,
                certaintyTemperature);
    }

    /** Logits of some hundreds, at temperatures far apart: either of the two shifts moves without the other. */
    @Test
    void largeLogits() {
        HeadCase c = HeadCase.of(4, 64, 1300, 8);
        for (double[] t : new double[][] {{0.2, 5}, {5, 0.2}}) {
            float[][] results = run(c, t[0], t[1], true, true, true, true, true);
            for (int row = 0; row < c.n(); row++) {
                var e = VocabOracle.stats(c.logits(row), c.targets()[row], t[0], t[1]);
                assertEquals(e.lse(), results[0][row], 1e-6 * Math.abs(e.lse()), "lse");
                assertEquals(e.selfCertainty(), results[3][row], 4e-6 * Math.abs(e.selfCertainty()), "self-certainty");
                assertEquals(e.argmax(), results[4][row], "argmax");
            }
        }
    }

    @Test
    void everyOutputIsOptional() {
        HeadCase c = HeadCase.of(3, 24, 700, 0.5f);
        float[][] all = run(c, 0.9, 0.9, true, true, true, true, true);
        for (int i = 0; i < 5; i++) {
            boolean[] wanted = new boolean[5];
            wanted[i] = true;
            assertArrayEquals(all[i], run(c, i == 3 ? 5 : 0.9, i == 3 ? 0.9 : 5, wanted)[i], "output " + i);
        }
    }

    /** The bits of a row do not depend on the other rows, at two temperatures either. */
    @Test
    void sameBitsInEveryBatch() {
        HeadCase c = HeadCase.of(140, 40, 4500, 0.5f);
        float[][] together = run(c, 0.8, 1.2, true, true, true, true, true);
        int row = 133;
        HeadCase one = c.row(row);
        float[][] alone = run(one, 0.8, 1.2, true, true, true, true, true);
        for (int i = 0; i < 5; i++) {
            assertEquals(alone[i][0], together[i][row], "output " + i);
        }
    }

    /** It is asked for before anything is computed, and what cannot be is said in one line. */
    @Test
    void whereThereIsNone() {
        try (Device cpu = Device.open("cpu", 1)) {
            assertFalse(cpu.kernels().hasLmHeadForward(DType.F32, 64));
            assertFalse(cpu.kernels().hasLmHeadForward(DType.BF16, 64));
            String said = assertThrows(UserError.class, () -> FusedHead.require(cpu, DType.BF16, 64)).getMessage();
            assertTrue(said.startsWith("lm_head: fused needs an NVIDIA GPU of compute capability 9.0 (H100, H200), not")
                    && said.endsWith("; give lm_head tiled"), said);
        }
        try (Device cuda = HeadCase.open()) {
            assertTrue(cuda.kernels().hasLmHeadForward(DType.BF16, 64));
            FusedHead.require(cuda, DType.BF16, 64);
            assertEquals("lm_head: fused computes in bfloat16, not in float32; give dtype bfloat16, or lm_head tiled",
                    assertThrows(UserError.class, () -> FusedHead.require(cuda, DType.F32, 64)).getMessage());
            assertEquals("lm_head: fused needs a hidden size that is a multiple of 8, not 36; give lm_head tiled",
                    assertThrows(UserError.class, () -> FusedHead.require(cuda, DType.BF16, 36)).getMessage());
        }
    }
}
