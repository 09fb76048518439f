package intuitor.device;

import static intuitor.device.KernelRun.gaussian;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every step of the lab's attention beside fp64, on the emulated device or a GPU. */
class AttentionLabTest {

    private static final int GUARD = 2; // rows before and behind an output

    private record Shape(int heads, int kvHeads, int headDim) {
        int width() {
            return (heads + 2 * kvHeads) * headDim;
        }
    }

    /** out [T, heads headDim] and lse [T, heads]. */
    private record Outcome(float[] out, float[] lse) {
    }

    /**
     * One token; sequences that no tile of rows (64, 128) or keys (32, 64, 128) divides, or that fill one; several of
     * them; groups that no tile divides; shared prefixes; keys that others computed; heads whose columns are not all of
     * a kernel's; more tiles than a kernel has under way.
     */
    @ParameterizedTest
    @CsvSource({
        "F32, one token, 1, 1, 8", "BF16, one token, 6, 2, 128", "F32, one sequence, 5, 1, 64",
        "BF16, one sequence, 4, 2, 32", "BF16, one sequence, 2, 1, 72", "F32, ragged, 2, 2, 128",
        "BF16, ragged, 6, 2, 64", "F32, siblings, 4, 1, 40", "BF16, siblings, 3, 1, 128", "F32, parts, 3, 1, 32",
        "BF16, parts, 2, 1, 64", "F32, continued, 6, 2, 16", "BF16, continued, 4, 2, 128", "F32, long, 1, 1, 64",
        "BF16, long, 1, 1, 128", "BF16, long prompt, 1, 1, 64", "BF16, edges, 1, 1, 128", "BF16, edges, 2, 2, 64",
        "BF16, longer, 1, 1, 64", "BF16, siblings, 7, 1, 64"})
    void everyStep(DType dtype, String name, int heads, int kvHeads, int headDim) {
        AttentionBatch batch = AttentionBatch.named(name);
        Shape shape = new Shape(heads, kvHeads, headDim);
        assertAllSteps(dtype, batch, shape, gaussian(1, batch.tokens() * shape.width()), 4e-6, 4e-6);
    }

    /** Scores in the thousands: only the largest counts, nothing overflows; fp32 scores near 1e4 are 1e-3 apart. */
    @ParameterizedTest
    @CsvSource({"F32, siblings, 4, 2, 64", "BF16, ragged, 2, 1, 128", "BF16, edges, 1, 1, 64"})
    void hugeScores(DType dtype, String name, int heads, int kvHeads, int headDim) {
        AttentionBatch batch = AttentionBatch.named(name);
        Shape shape = new Shape(heads, kvHeads, headDim);
        float[] qkv = gaussian(1, batch.tokens() * shape.width());
        for (int i = 0; i < qkv.length; i++) {
            qkv[i] *= i % shape.width() < (heads + kvHeads) * headDim ? 64 : 1;
        }
        assertAllSteps(dtype, batch, shape, qkv, 1e-2, 1e-3);
    }

    /** Scores of 300000 keys at most are more than the first step keeps at a time: it goes on where it stopped. */
    @Test
    void scoresInSeveralParts() {
        AttentionBatch batch = AttentionBatch.of(new int[] {70}, new int[] {3});
        Shape shape = new Shape(1, 1, 16);
        float[] qkv = gaussian(1, batch.tokens() * shape.width());
        try (Device device = TestDevices.openForCuda(0)) {
            KernelLab.Attention naive = KernelLab.attentions(device).getFirst();
            Outcome together = run(device, naive, DType.F32, batch, shape, qkv, 70);
            Outcome inParts = run(device, naive, DType.F32, batch, shape, qkv, 300_000);
            assertArrayEquals(together.out(), inParts.out());
            assertArrayEquals(together.lse(), inParts.lse());
        }
    }

    /** A sequence gives the same bits alone and among others, even if theirs are NaN. */
    @ParameterizedTest
    @CsvSource({"F32, 4, 2, 64", "BF16, 4, 2, 64", "BF16, 3, 1, 128"})
    void sameBitsInEveryBatch(DType dtype, int heads, int kvHeads, int headDim) {
        AttentionBatch batch = AttentionBatch.named("ragged");
        Shape shape = new Shape(heads, kvHeads, headDim);
        int first = batch.segments()[3][0];
        int end = first + batch.segments()[3][1];
        float[] own = gaussian(1, (end - first) * shape.width());
        float[] all = new float[batch.tokens() * shape.width()];
        Arrays.fill(all, Float.NaN);
        System.arraycopy(own, 0, all, first * shape.width(), own.length);
        try (Device device = TestDevices.openForCuda(0)) {
            for (KernelLab.Attention step : steps(device, dtype, headDim)) {
                Outcome alone = run(device, step, dtype, AttentionBatch.of(new int[] {end - first}), shape, own);
                Outcome together = run(device, step, dtype, batch, shape, all);
                assertArrayEquals(alone.out(), Arrays.copyOfRange(together.out(), first * heads * headDim,
                        end * heads * headDim), step.name());
                assertArrayEquals(alone.lse(), Arrays.copyOfRange(together.lse(), first * heads, end * heads),
                        step.name());
            }
        }
    }

    /** Threads and blocks from the last to the first: every second device. */
    @Test
    void sameBitsInEveryOrder() {
        AttentionBatch batch = AttentionBatch.named("siblings");
        Shape shape = new Shape(4, 2, 64);
        float[] qkv = gaussian(1, batch.tokens() * shape.width());
        List<List<Outcome>> orders = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            try (Device device = TestDevices.openForCuda(0)) {
                orders.add(steps(device, DType.BF16, 64).stream()
                        .map(step -> run(device, step, DType.BF16, batch, shape, qkv)).toList());
            }
        }
        for (int i = 0; i < orders.get(0).size(); i++) {
            assertArrayEquals(orders.get(0).get(i).out(), orders.get(1).get(i).out());
            assertArrayEquals(orders.get(0).get(i).lse(), orders.get(1).get(i).lse());
        }
    }

    @Test
    void withoutLse() {
        AttentionBatch batch = AttentionBatch.named("one sequence");
        Shape shape = new Shape(2, 1, 64);
        float[] qkv = gaussian(1, batch.tokens() * shape.width());
        try (Device device = TestDevices.openForCuda(0); Arena arena = device.arena("lab")) {
            Tensor input = GemmOracle.put(arena, DType.BF16, qkv, 0, batch.tokens(), shape.width());
            for (KernelLab.Attention step : steps(device, DType.BF16, 64)) {
                Tensor out = arena.zeros("out", DType.BF16, batch.tokens(), 2 * 64);
                step.run(out, null, input, batch.upload(arena), 2, 1, 64);
                assertArrayEquals(run(device, step, DType.BF16, batch, shape, qkv).out(), GemmOracle.get(out),
                        step.name());
            }
        }
    }

    @Test
    void noSequencesAndWhatTheLabsOwnStepsRefuse() {
        AttentionBatch batch = AttentionBatch.of(new int[] {3});
        AttentionBatch none = new AttentionBatch(0, new int[0][], new int[] {0});
        try (Device device = TestDevices.openForCuda(0)) {
            List<KernelLab.Attention> steps = KernelLab.attentions(device);
            for (KernelLab.Attention step : steps) {
                assertEquals(0, run(device, step, DType.F32, none, new Shape(1, 1, 8), new float[0], 1).out().length);
            }
            for (KernelLab.Attention step : steps) {
                if (step.name().equals("3 mma")) {
                    continue; // the engine's kernel has its own test
                }
                for (int headDim : new int[] {12, 136}) {
                    assertRefuses(device, step, batch, headDim,
                            "head size " + headDim + " is not a multiple of 8 up to 128");
                }
                try (Arena arena = device.arena("misaligned")) {
                    Tensor qkv = arena.zeros("qkv", DType.BF16, 3 * 3 * 64 + 1).slice(1, 3, 3 * 64);
                    Tensor out = arena.zeros("out", DType.BF16, 3, 64);
                    String said = assertThrows(IllegalArgumentException.class,
                            () -> step.run(out, null, qkv, batch.upload(arena), 1, 1, 64)).getMessage();
                    assertTrue(said.contains("multiples of 16 bytes"), said);
                }
            }
            if (TestDevices.isHopper(device)) {
                assertRefuses(device, steps.getLast(), batch, 72, "step 4 takes bf16 with head size 64 or 128");
            }
        }
    }

    private static void assertRefuses(Device device, KernelLab.Attention step, AttentionBatch batch, int headDim,
            String reason) {
        assertFalse(step.takes(DType.BF16, headDim));
        Shape shape = new Shape(1, 1, headDim);
        String said = assertThrows(IllegalArgumentException.class, () -> run(device, step, DType.BF16, batch, shape,
                new float[batch.tokens() * shape.width()])).getMessage();
        assertTrue(said.contains(reason), said);
    }

    /** All steps, but for those that do not take such heads: of them there is one. */
    private static List<KernelLab.Attention> steps(Device device, DType dtype, int headDim) {
        List<KernelLab.Attention> steps = KernelLab.attentions(device).stream()
                .filter(step -> step.takes(dtype, headDim)).toList();
        List<String> names = new ArrayList<>(List.of("1 naive", "2 online", "3 mma"));
        if (dtype == DType.BF16 && (headDim == 64 || headDim == 128) && TestDevices.isHopper(device)) {
            names.add("4 wgmma");
        }
        assertEquals(names, steps.stream().map(KernelLab.Attention::name).toList());
        return steps;
    }

    /** Where storage is bf16, probabilities may be rounded to it before they meet values, and results are. */
    private static void assertAllSteps(DType dtype, AttentionBatch batch, Shape shape, float[] values, double outBound,
            double lseBound) {
        try (Device device = TestDevices.openForCuda(0)) {
            float[] stored;
            try (Arena arena = device.arena("rounding")) {
                stored = GemmOracle.get(GemmOracle.put(arena, dtype, values, 0, values.length));
            }
            var oracle = new AttentionOracle(shape.heads(), shape.kvHeads(), shape.headDim(), batch.segments(), dtype);
            AttentionOracle.Result expected = oracle.forward(KernelRun.widen(stored));
            for (KernelLab.Attention step : steps(device, dtype, shape.headDim())) {
                Outcome actual = run(device, step, dtype, batch, shape, values);
                for (int i = 0; i < expected.out().length; i++) {
                    double x = expected.out()[i];
                    assertEquals(x, actual.out()[i], expected.bound()[i] + (oracle.unit() + outBound) * Math.abs(x)
                            + outBound, "step " + step.name() + ", out " + i);
                }
                for (int i = 0; i < expected.lse().length; i++) {
                    double x = expected.lse()[i];
                    assertEquals(x, actual.lse()[i], 2e-6 * Math.abs(x) + lseBound,
                            "step " + step.name() + ", lse " + i);
                }
            }
        }
    }

    private static Outcome run(Device device, KernelLab.Attention step, DType dtype, AttentionBatch batch, Shape shape,
            float[] qkv) {
        return run(device, step, dtype, batch, shape, qkv, 0);
    }

    /** @param maxK a bound of prefix_len + k_len above their largest */
    private static Outcome run(Device device, KernelLab.Attention step, DType dtype, AttentionBatch batch, Shape shape,
            float[] qkv, int maxK) {
        int t = batch.tokens();
        try (Arena arena = device.arena("lab")) {
            Tensor input = GemmOracle.put(arena, dtype, qkv, 0, t, shape.width());
            Segments exact = batch.upload(arena);
            Segments segments = new Segments(exact.segments(), exact.families(), exact.count(), exact.familyCount(),
                    exact.maxQ(), Math.max(maxK, exact.maxK()), null);
            float[][] results = new float[2][];
            int[] columns = {shape.heads() * shape.headDim(), shape.heads()};
            Tensor[] whole = {guarded(arena, dtype, t, columns[0]), guarded(arena, DType.F32, t, columns[1])};
            step.run(inside(whole[0], t), inside(whole[1], t), input, segments, shape.heads(), shape.kvHeads(),
                    shape.headDim());
            for (int i = 0; i < 2; i++) {
                float[] all = GemmOracle.get(whole[i]);
                int guard = GUARD * columns[i];
                results[i] = Arrays.copyOfRange(all, guard, all.length - guard);
                Arrays.fill(all, guard, all.length - guard, Float.NaN);
                for (float value : all) {
                    assertEquals(Float.NaN, value, "step " + step.name() + ": written beside an output");
                }
            }
            return new Outcome(results[0], results[1]);
        }
    }

    /** [GUARD + rows + GUARD, columns] of NaN. */
    private static Tensor guarded(Arena arena, DType dtype, int rows, int columns) {
        float[] nan = new float[(rows + 2 * GUARD) * columns];
        Arrays.fill(nan, Float.NaN);
        return GemmOracle.put(arena, dtype, nan, 0, rows + 2 * GUARD, columns);
    }

    private static Tensor inside(Tensor whole, int rows) {
        return whole.slice(GUARD * whole.dim(1), rows, whole.dim(1));
    }
}
