package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Wrong shapes, types, indices and overlaps are exceptions that say what is wrong, before anything is computed. */
class ChecksTest {

    private Device device;
    private Arena arena;
    private Kernels kernels;

    @BeforeEach
    void open() {
        device = TestDevices.open(1);
        arena = device.arena("test");
        kernels = device.kernels();
    }

    @AfterEach
    void close() {
        device.close();
    }

    private Tensor zeros(String name, long... shape) {
        return arena.zeros(name, DType.F32, shape);
    }

    private static void assertRefused(String message, Runnable call) {
        assertEquals(message, assertThrows(IllegalArgumentException.class, call::run).getMessage());
    }

    @Test
    void theyAreOnInTests() {
        assertTrue(Checks.ENABLED);
    }

    @Test
    void shapesAndTypes() {
        Tensor x = zeros("x", 3, 8);
        Tensor out = zeros("out", 3, 8);
        Tensor weight = zeros("weight", 8);
        assertRefused("rmsNormForward: weight must be F32[8], not bad F32[7]",
                () -> kernels.rmsNormForward(out, null, null, x, null, zeros("bad", 7), 1e-6));
        assertRefused("rmsNormForward: out must be F32[3, 8], not bad F32[8, 3]",
                () -> kernels.rmsNormForward(zeros("bad", 8, 3), null, null, x, null, weight, 1e-6));
        assertRefused("rmsNormForward: rstd must be F32[3], not bad I32[3]",
                () -> kernels.rmsNormForward(out, arena.upload("bad", new int[3]), null, x, null, weight, 1e-6));
        assertRefused("rmsNormForward: weight is missing",
                () -> kernels.rmsNormForward(out, null, null, x, null, null, 1e-6));
        assertRefused("rmsNormForward: sum is missing",
                () -> kernels.rmsNormForward(out, null, null, x, zeros("delta", 3, 8), weight, 1e-6));
        assertRefused("swigluForward: gateUp must be F32[3, 16], not x F32[3, 8]",
                () -> kernels.swigluForward(out, x));
        Tensor narrow = arena.zeros("narrow", DType.BF16, 3, 8);
        assertRefused("rmsNormForward: weight must be BF16[8], not weight F32[8]",
                () -> kernels.rmsNormForward(narrow, null, null, narrow, null, weight, 1e-6));
        assertRefused("embeddingForward: table must be BF16[3, 8], not x F32[3, 8]",
                () -> kernels.embeddingForward(narrow, x, arena.upload("ids", new int[3])));
        assertRefused("embeddingBackward: table must be F32[3, 8], not narrow BF16[3, 8]",
                () -> kernels.embeddingBackward(narrow, arena.zeros("dout", DType.BF16, 3, 8),
                        arena.upload("ids", new int[3])));
        assertRefused("swigluForward: out must be F32 or BF16, not half F16[3, 4]",
                () -> kernels.swigluForward(arena.zeros("half", DType.F16, 3, 4), x));
        assertRefused("attentionForward: 3 heads are not a multiple of 2 key-value heads",
                () -> kernels.attentionForward(out, null, x, segments(), 3, 2, 4));
        assertRefused("sample: lse and argmax are not offered", () -> kernels.sample(arena.upload("t", new int[3]),
                new VocabStats(zeros("lse", 3), null, null, null, null), x, arena.upload("s", new long[3]),
                arena.upload("p", new int[3]), new Sampling(1, 0, 1, 0, 8, 1), 1));
        assertRefused("cast: x F32[3, 8] and weight F32[8] differ in size", () -> device.cast(x, weight));
        assertRefused("adamw: step must be at least 1, not 0",
                () -> kernels.adamw(x, x, x, x, 1, 1, 1, 1, 0, 1, 0));
    }

    @Test
    void overlaps() {
        Tensor x = zeros("x", 4, 8);
        Tensor weight = zeros("weight", 8);
        Tensor rstd = zeros("rstd", 4);
        assertRefused("rmsNormBackward: x F32[4, 8] and x F32[4, 8] overlap",
                () -> kernels.rmsNormBackward(x, null, x, zeros("y", 4, 8), weight, rstd));
        Tensor both = zeros("both", 5, 8);
        assertRefused("rmsNormBackward: both F32[4, 8] and both F32[4, 8] overlap",
                () -> kernels.rmsNormBackward(both.rows(0, 4), null, both.rows(1, 4), x, weight, rstd));
        assertRefused("gemm: c F32[4, 4] and c F32[4, 4] overlap", () -> {
            Tensor c = zeros("c", 4, 4);
            device.blas().gemm(c, c, false, zeros("b", 4, 4), false, false);
        });
    }

    @Test
    void indices() {
        Tensor out = zeros("out", 3, 4);
        Tensor table = zeros("table", 10, 4);
        assertRefused("embeddingForward: index[1] = 10 is outside [0, 10)",
                () -> kernels.embeddingForward(out, table, arena.upload("ids", new int[] {9, 10, 0})));
        assertRefused("gatherRows: index[2] = -1 is outside [0, 10)",
                () -> kernels.gatherRows(out, table, arena.upload("ids", new int[] {9, 1, -1})));
        assertRefused("vocabReduce: targets[0] = 4 is outside [0, 4)", () -> kernels.vocabReduce(
                new VocabStats(null, zeros("logprob", 3), null, null, null), out,
                arena.upload("targets", new int[] {4, 0, 0}), 1, 1));
        assertRefused("vocabReduce: targets is missing", () -> kernels.vocabReduce(
                new VocabStats(null, zeros("logprob", 3), null, null, null), out, null, 1, 1));
    }

    @Test
    void segmentsThatDoNotFit() {
        Tensor qkv = zeros("qkv", 3, 12);
        Tensor out = zeros("out", 3, 4);
        assertRefused("attentionForward: segment 0 (q 0+4, prefix 0+0, k 0+4) does not fit 3 query rows, 3 key rows, "
                + "maxQ 4, maxK 4",
                () -> kernels.attentionForward(out, null, qkv, segments(0, 4, 0, 0, 0, 4), 1, 1, 4));
        assertRefused("attentionForward: the segments hold 2 rows, the batch 3",
                () -> kernels.attentionForward(out, null, qkv, segments(0, 2, 0, 0, 0, 2), 1, 1, 4));
    }

    /** One segment from its six numbers. */
    private Segments segments(int... s) {
        int count = s.length / Segments.WIDTH;
        Tensor segments = arena.upload("segments", s).view(count, Segments.WIDTH);
        return new Segments(segments, null, count, 0, count == 0 ? 0 : s[1], count == 0 ? 0 : s[3] + s[5], null);
    }

    @Test
    void samplingThatMakesNoSense() {
        assertRefused("temperature must be at least 0, not -1.0", () -> new Sampling(-1, 0, 1, 0, 10, 1));
        assertRefused("temperature must be at least 0, not NaN", () -> new Sampling(Double.NaN, 0, 1, 0, 10, 1));
        assertRefused("top_k must be at least 0, not -1", () -> new Sampling(1, -1, 1, 0, 10, 1));
        assertRefused("top_p must be in (0, 1], not 0.0", () -> new Sampling(1, 0, 0, 0, 10, 1));
        assertRefused("min_p must be in [0, 1], not 2.0", () -> new Sampling(1, 0, 1, 2, 10, 1));
        assertRefused("valid_vocab must be at least 1, not 0", () -> new Sampling(1, 0, 1, 0, 0, 1));
    }
}
