package intuitor.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.HeadForward;
import intuitor.device.Sampling;
import intuitor.device.Tensor;
import intuitor.device.TestDevices;
import intuitor.model.ReferenceModel.Shape;
import java.util.Arrays;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class LmHeadTest {

    private static final int ROWS = 23;

    private static Device device;

    @BeforeAll
    static void open() {
        device = TestDevices.open(2);
    }

    @AfterAll
    static void close() {
        device.close();
    }

    private static Tensor hidden(TestModel m) {
        Random random = new Random(1);
        float[] values = new float[ROWS * m.config.hiddenSize()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return m.arena.upload("hidden", values, ROWS, m.config.hiddenSize());
    }

    /** The size of a chunk changes the order of some additions, nothing else. */
    @Test
    void anyChunkSizeGivesTheSame() {
        try (TestModel m = new TestModel(device, TestModel.LLAMA)) {
            Tensor hidden = hidden(m);
            Random random = new Random(2);
            int[] rows = random.ints(40, 0, ROWS).toArray(); // with repetitions
            int[] targets = m.tokens(random, 40);
            float[] expected = null;
            for (int chunk : new int[] {1000, 40, 39, 7, 1}) {
                m.grads.zero();
                Tensor dHidden = m.arena.zeros("d hidden", DType.F32, hidden.shape());
                new LmHead(device, m.parameters, chunk).scoreAndBackward(hidden, dHidden, rows, targets, 0.8,
                        (from, to, logprob, coefficient) -> {
                            for (int i = 0; i < to - from; i++) {
                                coefficient[i] = 1 + (from + i) % 3;
                            }
                        }, m.grads, m.arena);
                float[] found = concat(m.download(dHidden), m.download(m.grads.lmHead()));
                expected = expected == null ? found : expected;
                assertArrayEquals(expected, found, 1e-5f);
            }
        }
    }

    private static float[] concat(float[] a, float[] b) {
        float[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }

    @Test
    void onlyWhatIsWantedIsComputed() {
        try (TestModel m = new TestModel(device, TestModel.QWEN2)) {
            int[] rows = IntStream.range(0, ROWS).toArray();
            int[] targets = m.tokens(new Random(2), ROWS);
            Tensor hidden = hidden(m);
            TokenStats all = TokenStats.of(ROWS);
            m.head.score(hidden, rows, targets, 0.7, 1, all, m.arena);
            TokenStats some = new TokenStats(new float[ROWS], null, null);
            m.head.score(hidden, rows, targets, 0.7, 1, some, m.arena);
            assertArrayEquals(all.logprob(), some.logprob());
            assertTrue(all.entropy()[0] > 0 && all.selfCertainty()[0] > 0);
        }
    }

    /** Greedy sampling takes the token whose score is highest, and reports what score() reports. */
    @Test
    void samplingReportsTheScoresOfTheDrawnTokens() {
        try (TestModel m = new TestModel(device, TestModel.QWEN3)) {
            Tensor hidden = hidden(m);
            PackedWeights packed = m.parameters.packed(m.arena);
            int[] rows = new Random(2).ints(30, 0, ROWS).toArray();
            long[] sequence = new Random(3).longs(30).toArray();
            int[] position = IntStream.range(0, 30).toArray();
            for (double temperature : new double[] {0, 0.8}) {
                int[] tokens = new int[30];
                TokenStats drawn = TokenStats.of(30);
                Sampling sampling = new Sampling(temperature, 0, 1, 0, m.config.vocabSize(), 99);
                m.head.sample(hidden, rows, sequence, position, sampling, 1.1, null, packed, tokens, drawn, m.arena);
                TokenStats scored = TokenStats.of(30);
                m.head.score(hidden, rows, tokens, temperature == 0 ? 1 : temperature, 1.1, scored, m.arena);
                assertArrayEquals(scored.logprob(), drawn.logprob(), 1e-5f);
                assertArrayEquals(scored.entropy(), drawn.entropy(), 1e-5f);
                assertArrayEquals(scored.selfCertainty(), drawn.selfCertainty(), 1e-5f);
                if (temperature == 0) {
                    for (int i = 0; i < 30; i++) {
                        assertTrue(scored.logprob()[i] > -Math.log(m.config.vocabSize()), "the best is above average");
                    }
                }
            }
        }
    }

    /** A head wider than a tile: scoring it tile by tile gives the bits that sampling reports of whole rows. */
    @Test
    void scoresOfTilesAreThoseOfSampling() {
        Shape wide = new Shape("Qwen2ForCausalLM", 40_009, 24, 40, 1, 4, 2, 6, 1e-6, 1e6, null, true);
        try (TestModel m = new TestModel(device, wide)) {
            Tensor hidden = hidden(m);
            PackedWeights packed = m.parameters.packed(m.arena);
            int[] rows = new Random(2).ints(30, 0, ROWS).toArray();
            int[] tokens = new int[30];
            TokenStats drawn = TokenStats.of(30);
            m.head.sample(hidden, rows, new Random(3).longs(30).toArray(), new int[30],
                    new Sampling(0.9, 0, 1, 0, m.config.vocabSize(), 99), 1, null, packed, tokens, drawn, m.arena);
            for (LmHead head : new LmHead[] {m.head, new LmHead(device, m.parameters)}) { // 5 rows at a time, and all
                TokenStats scored = TokenStats.of(30);
                head.score(hidden, rows, tokens, 0.9, 1, packed, scored, m.arena);
                float tolerance = device.blas().isRowInvariant() ? 0 : 1e-5f;
                assertArrayEquals(drawn.logprob(), scored.logprob(), tolerance);
                assertArrayEquals(drawn.entropy(), scored.entropy(), tolerance);
                assertArrayEquals(drawn.selfCertainty(), scored.selfCertainty(), tolerance);
            }
        }
    }

    @Test
    void memoryOfScoresDoesNotGrowWithTheVocabulary() {
        assertEquals(scoringBytes(33_000), scoringBytes(81_000));
    }

    private static long scoringBytes(int vocab) {
        Shape shape = new Shape("Qwen2ForCausalLM", vocab, 16, 16, 1, 2, 1, 8, 1e-6, 1e6, null, true);
        try (TestModel m = new TestModel(device, shape); Arena scratch = device.arena("scratch")) {
            int[] rows = new Random(2).ints(700, 0, ROWS).toArray();
            new LmHead(device, m.parameters).score(hidden(m), rows, rows, 1, 1, TokenStats.of(rows.length), scratch);
            return scratch.peakBytes();
        }
    }

    /** The fused kernel on the emulated device, beside tiles of the same weights. */
    @Test
    void fusedScoresAreThoseOfTiles() {
        onEmulatedDevice((m, hidden) -> {
            Device emu = m.arena.device();
            int[] rows = new Random(2).ints(30, 0, ROWS).toArray();
            int[] targets = m.tokens(new Random(3), 30);
            TokenStats tiled = TokenStats.of(30);
            new LmHead(emu, m.parameters).score(hidden, rows, targets, 0.9, 1, tiled, m.arena);
            TokenStats fused = TokenStats.of(30);
            new LmHead(emu, m.parameters, HeadForward.Kind.FUSED).score(hidden, rows, targets, 0.9, 1, fused, m.arena);
            assertArrayEquals(tiled.logprob(), fused.logprob(), 2e-5f);
            assertArrayEquals(tiled.entropy(), fused.entropy(), 2e-5f);
            assertArrayEquals(tiled.selfCertainty(), fused.selfCertainty(), 2e-5f);
        });
    }

    /** A bf16 model on the emulated device, 5001 tokens, and hidden states. */
    private static void onEmulatedDevice(BiConsumer<TestModel, Tensor> test) {
        Shape shape = new Shape("Qwen2ForCausalLM", 5001, 24, 40, 1, 4, 2, 6, 1e-6, 1e6, null, true);
        try (Device emu = Device.open("emu", 1); TestModel m = new TestModel(emu, shape, DType.BF16)) {
            Tensor wide = hidden(m);
            Tensor hidden = m.arena.allocate("hidden", DType.BF16, wide.shape());
            emu.cast(hidden, wide);
            test.accept(m, hidden);
        }
    }

    /** Of 60 tokens rounding may draw another one or two, but none did: noise makes the best one clear. */
    @Test
    void fusedDrawsAreThoseOfWholeRows() {
        onEmulatedDevice((m, hidden) -> {
            LmHead fused = new LmHead(m.arena.device(), m.parameters, HeadForward.Kind.FUSED);
            PackedWeights packed = m.parameters.packed(m.arena);
            int[] rows = new Random(2).ints(60, 0, ROWS).toArray();
            long[] sequence = new Random(3).longs(60).toArray();
            int[] position = IntStream.range(0, 60).toArray();
            for (double temperature : new double[] {0, 0.8}) {
                Sampling sampling = new Sampling(temperature, 0, 1, 0, m.config.vocabSize() - 7, 99);
                int[][] tokens = new int[2][60];
                TokenStats[] stats = {TokenStats.of(60), TokenStats.of(60)};
                long[] bytes = new long[2];
                for (int i = 0; i < 2; i++) {
                    try (Arena scratch = m.arena.device().arena("scratch")) {
                        (i == 0 ? m.head : fused).sample(hidden, rows, sequence, position, sampling, 1.1, null, packed,
                                tokens[i], stats[i], scratch);
                        bytes[i] = scratch.peakBytes();
                    }
                }
                assertArrayEquals(tokens[0], tokens[1]);
                assertArrayEquals(stats[0].logprob(), stats[1].logprob(), 2e-5f);
                assertArrayEquals(stats[0].entropy(), stats[1].entropy(), 2e-5f);
                assertArrayEquals(stats[0].selfCertainty(), stats[1].selfCertainty(), 2e-5f);
                assertTrue(bytes[1] < 64 << 10, "no row of logits: " + bytes[1] + " bytes, with them " + bytes[0]);
            }
        });
    }

    /** Filters and the repetition penalty need whole rows: the fused head leaves those to the product, bit for bit. */
    @Test
    void whatTheFusedHeadCannotDraw() {
        onEmulatedDevice((m, hidden) -> {
            PackedWeights packed = m.parameters.packed(m.arena);
            int v = m.config.vocabSize();
            RepetitionPenalty penalty = new RepetitionPenalty(1.3, IntStream.range(0, ROWS).toArray(),
                    IntStream.rangeClosed(0, ROWS).toArray());
            for (Sampling sampling : new Sampling[] {new Sampling(1, 9, 1, 0, v, 5), new Sampling(1, 0, 0.8, 0, v, 5),
                new Sampling(1, 0, 1, 0.1, v, 5), new Sampling(1, 0, 1, 0, v, 5)}) {
                int[][] tokens = new int[2][ROWS];
                TokenStats[] stats = {TokenStats.of(ROWS), TokenStats.of(ROWS)};
                for (int i = 0; i < 2; i++) {
                    new LmHead(m.arena.device(), m.parameters, i == 0 ? HeadForward.Kind.TILED
                            : HeadForward.Kind.FUSED).sample(hidden, null, new Random(3).longs(ROWS).toArray(),
                            new int[ROWS], sampling, 1, sampling.isFiltered() ? null : penalty, packed, tokens[i],
                            stats[i], m.arena);
                }
                assertArrayEquals(tokens[0], tokens[1]);
                assertArrayEquals(stats[0].logprob(), stats[1].logprob());
                assertArrayEquals(stats[0].selfCertainty(), stats[1].selfCertainty());
            }
        });
    }

    /** A draw depends on the seed, the sequence and the position, not on the rows around it. */
    @Test
    void drawsDoNotDependOnTheBatch() {
        try (TestModel m = new TestModel(device, TestModel.QWEN2)) {
            Tensor hidden = hidden(m);
            PackedWeights packed = m.parameters.packed(m.arena);
            long[] sequence = IntStream.range(0, ROWS).mapToLong(i -> i / 2).toArray();
            int[] position = IntStream.range(0, ROWS).map(i -> i % 5).toArray();
            Sampling sampling = new Sampling(1, 0, 1, 0, m.config.vocabSize(), 4);
            TokenStats none = new TokenStats(null, null, null);
            int[] together = new int[ROWS];
            m.head.sample(hidden, null, sequence, position, sampling, 1, null, packed, together, none, m.arena);
            for (int i = 0; i < ROWS; i++) {
                int[] alone = new int[1];
                try (Arena scope = m.arena.scope("one")) {
                    m.head.sample(hidden, new int[] {i}, new long[] {sequence[i]}, new int[] {position[i]}, sampling, 1,
                            null, packed, alone, none, scope);
                }
                assertEquals(together[i], alone[0]);
            }
        }
    }
}
