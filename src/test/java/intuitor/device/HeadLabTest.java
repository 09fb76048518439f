package intuitor.device;

import static intuitor.device.KernelRun.gaussian;
import static intuitor.device.KernelRun.indices;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every step of the lab's fused LM head beside fp64, on the emulated device or a GPU. */
class HeadLabTest {

    /** One row each. */
    private record Outcome(float lse, float logprob, float entropy, float selfCertainty, int argmax) {
    }

    /**
     * A row, a column, less than a tile's depth; rows, columns and depth that no tile divides; more than one block of
     * rows, more than one strip; a depth and tiles enough for every stage to be filled many times.
     */
    @ParameterizedTest
    @CsvSource({"1, 8, 1, 1", "3, 8, 17, 1", "2, 72, 256, 1", "5, 40, 300, 1", "130, 64, 257, 1", "1, 48, 4096, 1",
            "2, 16, 9001, 1", "65, 136, 513, 0.05", "3, 328, 1600, 0.05", "260, 72, 4400, 0.05"})
    void everyStep(int n, int h, int v, float scale) {
        float[] hidden = gaussian(v, n * h);
        float[] weight = scaled(gaussian(v + 1, v * h), scale);
        int[] targets = indices(2, n, v);
        assertAllSteps(hidden, weight, targets, n, h, v);
    }

    /** Logits of some thousands: a distribution with one token, its neighbours far away; and all of them equal. */
    @Test
    void hugeAndEqualLogits() {
        int h = 64;
        int v = 700;
        float[] hidden = scaled(gaussian(1, 3 * h), 64);
        float[] weight = scaled(gaussian(2, v * h), 16);
        Arrays.fill(hidden, h, 2 * h, 0);
        for (int i = 0; i < v; i++) { // hidden[2] . weight = 5000 + something small
            weight[i * h] = 64;
        }
        Arrays.fill(hidden, 2 * h, 3 * h, 0x1p-10f);
        hidden[2 * h] = 80;
        assertAllSteps(hidden, weight, new int[] {5, 699, 0}, 3, h, v);
    }

    /** Whatever rows it is computed with, and wherever it stands among them, a row gives the same bits. */
    @Test
    void sameBitsInEveryBatch() {
        int n = 140;
        int h = 40;
        int v = 4500;
        float[] hidden = gaussian(3, n * h);
        float[] weight = gaussian(4, v * h);
        int[] targets = indices(5, n, v);
        int row = 133;
        try (Device device = TestDevices.openForCuda(0)) {
            for (KernelLab.Head step : KernelLab.heads(device)) {
                Outcome together = run(device, step, hidden, weight, targets, n, h, v).get(row);
                Outcome alone = run(device, step, Arrays.copyOfRange(hidden, row * h, (row + 1) * h), weight,
                        new int[] {targets[row]}, 1, h, v).getFirst();
                assertEquals(together, alone, step.name());
            }
        }
    }

    /** Who loads a tile changes nothing in the products: step 4 gives step 3's bits, here for three blocks of rows. */
    @Test
    void clustersGiveTheBitsOfBlocks() {
        int n = 260;
        int h = 24;
        int v = 300;
        float[] hidden = gaussian(9, n * h);
        float[] weight = gaussian(10, v * h);
        int[] targets = indices(11, n, v);
        try (Device device = TestDevices.openForCuda(0)) {
            if (!TestDevices.isHopper(device)) {
                throw TestDevices.skip("clusters of blocks", device.info().name() + " has none");
            }
            List<KernelLab.Head> steps = KernelLab.heads(device);
            assertEquals(run(device, steps.get(2), hidden, weight, targets, n, h, v),
                    run(device, steps.get(3), hidden, weight, targets, n, h, v));
        }
    }

    /** Threads and blocks from the last to the first: every second device. */
    @Test
    void sameBitsInEveryOrder() {
        int n = 20;
        int h = 24;
        int v = 600;
        float[] hidden = gaussian(6, n * h);
        float[] weight = gaussian(7, v * h);
        int[] targets = indices(8, n, v);
        List<List<List<Outcome>>> orders = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            try (Device device = TestDevices.openForCuda(0)) {
                orders.add(KernelLab.heads(device).stream()
                        .map(step -> run(device, step, hidden, weight, targets, n, h, v)).toList());
            }
        }
        assertEquals(orders.get(0), orders.get(1));
    }

    @Test
    void noRowsAndRowsThatAreNotBlocks() {
        try (Device device = TestDevices.openForCuda(0)) {
            for (KernelLab.Head step : KernelLab.heads(device)) {
                assertEquals(List.of(), run(device, step, new float[0], gaussian(1, 8), new int[0], 0, 8, 1));
                String said = assertThrows(IllegalArgumentException.class, () -> run(device, step, gaussian(1, 12),
                        gaussian(1, 24), new int[1], 1, 12, 2)).getMessage();
                assertTrue(said.contains("H a multiple of 8"), said);
            }
        }
    }

    private static void assertAllSteps(float[] hidden, float[] weight, int[] targets, int n, int h, int v) {
        float[] storedHidden = stored(hidden);
        float[] storedWeight = stored(weight);
        try (Device device = TestDevices.openForCuda(0)) {
            List<KernelLab.Head> steps = KernelLab.heads(device);
            List<String> all = List.of("1 unfused", "2 mma", "3 wgmma", "4 cluster");
            assertEquals(TestDevices.isHopper(device) ? all : all.subList(0, 2),
                    steps.stream().map(KernelLab.Head::name).toList());
            for (KernelLab.Head step : steps) {
                List<Outcome> outcomes = run(device, step, hidden, weight, targets, n, h, v);
                for (int row = 0; row < n; row++) {
                    double[] z = new double[v];
                    double size = 0; // of what is added up for a logit
                    for (int j = 0; j < v; j++) {
                        double terms = 0;
                        for (int k = 0; k < h; k++) {
                            double term = (double) storedHidden[row * h + k] * storedWeight[j * h + k];
                            z[j] += term;
                            terms += Math.abs(term);
                        }
                        size = Math.max(size, terms);
                    }
                    assertRow("step " + step.name() + ", row " + row + ": ", z, targets[row], h, size,
                            outcomes.get(row));
                }
            }
        }
    }

    /**
     * A logit is the sum of h terms, each partial sum rounded to fp32 (2^-24 of it at most, of all terms' sizes at
     * most); what is made of logits moves with them by no more, entropy by that times how far they lie apart. Beside
     * that, the reduction has the tolerance of {@link KernelLabTest}.
     */
    private static void assertRow(String what, double[] z, int target, int h, double size, Outcome actual) {
        VocabOracle.Stats expected = VocabOracle.stats(z, target, 1, 1);
        double logit = h * 0x1p-24 * size;
        double spread = Arrays.stream(z).max().orElseThrow() - Arrays.stream(z).min().orElseThrow();
        assertClose(expected.lse(), actual.lse(), logit, what + "lse");
        assertClose(expected.logprob(), actual.logprob(), 2 * logit, what + "logprob");
        assertClose(expected.entropy(), actual.entropy(), 2 * logit * (1 + Math.min(spread, 20)), what + "entropy");
        assertClose(expected.selfCertainty(), actual.selfCertainty(), 2 * logit, what + "self-certainty");
        assertTrue(actual.argmax() >= 0 && actual.argmax() < z.length, what + "argmax " + actual.argmax());
        assertEquals(z[expected.argmax()], z[actual.argmax()], 2 * logit, what + "argmax " + actual.argmax());
        if (spread == 0) {
            assertEquals(0, actual.argmax(), what + "argmax of equal logits");
        }
    }

    private static void assertClose(double expected, float actual, double bound, String what) {
        assertEquals(expected, actual, bound + 1e-5 * Math.max(1, Math.abs(expected)), what);
    }

    private static List<Outcome> run(Device device, KernelLab.Head step, float[] hidden, float[] weight, int[] targets,
            int n, int h, int v) {
        try (Arena arena = device.arena("lab")) {
            Tensor rows = GemmOracle.put(arena, DType.BF16, hidden, 0, n, h);
            Tensor matrix = GemmOracle.put(arena, DType.BF16, weight, 0, v, h);
            VocabStats out = new VocabStats(f32(arena, n), f32(arena, n), f32(arena, n), f32(arena, n),
                    arena.zeros("argmax", DType.I32, n));
            step.run(out, rows, matrix, arena.upload("targets", targets));
            float[][] values = {GemmOracle.get(out.lse()), GemmOracle.get(out.logprob()),
                    GemmOracle.get(out.entropy()), GemmOracle.get(out.selfCertainty())};
            int[] argmax = new int[n];
            device.download(argmax, out.argmax());
            List<Outcome> outcomes = new ArrayList<>();
            for (int i = 0; i < n; i++) {
                outcomes.add(new Outcome(values[0][i], values[1][i], values[2][i], values[3][i], argmax[i]));
            }
            return outcomes;
        }
    }

    private static Tensor f32(Arena arena, int n) {
        return arena.zeros("output", DType.F32, n);
    }

    private static float[] scaled(float[] values, float by) {
        for (int i = 0; i < values.length; i++) {
            values[i] *= by;
        }
        return values;
    }

    /** What bf16 keeps of these. */
    private static float[] stored(float[] values) {
        try (Device device = TestDevices.openForCuda(0); Arena arena = device.arena("rounding")) {
            return GemmOracle.get(GemmOracle.put(arena, DType.BF16, values, 0, values.length));
        }
    }
}
