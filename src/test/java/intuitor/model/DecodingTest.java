package intuitor.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import intuitor.device.Arena;
import intuitor.device.Device;
import intuitor.device.Tensor;
import intuitor.device.TestDevices;
import intuitor.model.ReferenceModel.Scores;
import intuitor.model.ReferenceModel.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Generation with a cache sees what the full forward pass sees. */
class DecodingTest {

    private static final double TOLERANCE = 2e-5;
    private static final int PAGE_SIZE = 4;
    private static final int PAGES = 13;

    private static Device device;

    @BeforeAll
    static void open() {
        device = TestDevices.open(2);
    }

    @AfterAll
    static void close() {
        device.close();
    }

    /** Two prompts, of 2 and 1 completions of different lengths, whose pages are anywhere in the cache. */
    private static final int[] PROMPT_LENGTH = {5, 8};
    private static final int[][] PROMPT_PAGES = {{7, 2}, {12, 0}};
    private static final int[] PROMPT_OF = {0, 0, 1};
    private static final int[] LENGTH = {12, 3, 7};
    private static final int[][] PAGES_OF = {{3, 11, 1}, {10}, {5, 4}};

    @ParameterizedTest
    @FieldSource("intuitor.model.TestModel#SHAPES")
    void scoresOfEveryDecodedTokenAgreeWithTheFullForwardPass(Shape shape) {
        try (TestModel m = new TestModel(device, shape)) {
            int[][] prompts = tokens(m, 17, PROMPT_LENGTH);
            int[][] completions = tokens(m, 18, LENGTH);
            float[][] decoded = decode(m, prompts, completions);

            ReferenceModel reference = m.reference();
            PackedBatch.Builder full = PackedBatch.builder();
            for (int s = 0; s < completions.length; s++) {
                int[] prompt = prompts[PROMPT_OF[s]];
                int[] sequence = IntStream.concat(Arrays.stream(prompt), Arrays.stream(completions[s])).toArray();
                Scores expected = reference.score(sequence, 1, 1);
                for (int t = 0; t < LENGTH[s]; t++) {
                    assertEquals(expected.logprob()[prompt.length + t - 1], decoded[s][t], TOLERANCE);
                }
                full.group(prompt, List.of(completions[s]));
            }
            assertAgainstFullForward(m, full.build(), decoded);
        }
    }

    private static void assertAgainstFullForward(TestModel m, PackedBatch batch, float[][] decoded) {
        TokenStats stats = new TokenStats(new float[batch.scored()], null, null);
        Tensor hidden = m.transformer.forward(batch, m.arena);
        m.head.score(hidden, batch.scoredRows(), batch.targets(), 1, 1, stats, m.arena);
        for (int s = 0; s < decoded.length; s++) {
            assertArrayEquals(Arrays.copyOfRange(stats.logprob(), batch.completionOffsets()[s],
                    batch.completionOffsets()[s + 1]), decoded[s], (float) TOLERANCE);
        }
    }

    private static int[][] tokens(TestModel m, long seed, int[] lengths) {
        Random random = new Random(seed);
        return Arrays.stream(lengths).mapToObj(n -> m.tokens(random, n)).toArray(int[][]::new);
    }

    /** Log-probabilities of random completions as generation finds them. */
    static float[] decodedLogprobs(TestModel m) {
        float[][] decoded = decode(m, tokens(m, 17, PROMPT_LENGTH), tokens(m, 18, LENGTH));
        float[] all = new float[Arrays.stream(LENGTH).sum()];
        int n = 0;
        for (float[] sequence : decoded) {
            System.arraycopy(sequence, 0, all, n, sequence.length);
            n += sequence.length;
        }
        return all;
    }

    /** Log-probabilities of given completions as generation finds them, step by step. */
    private static float[][] decode(TestModel m, int[][] prompts, int[][] completions) {
        float[][] logprobs = Arrays.stream(completions).map(c -> new float[c.length]).toArray(float[][]::new);
        KvCache cache = new KvCache(m.arena, m.config, m.transformer.dtype(), PAGES, PAGE_SIZE);
        try (Arena scope = m.arena.scope("prefill")) {
            PackedBatch batch = PackedBatch.builder().prompt(prompts[0]).prompt(prompts[1]).build();
            int[] rows = IntStream.of(0, 1).flatMap(p -> IntStream.range(0, PROMPT_LENGTH[p])
                    .map(i -> DecodeBatch.row(PROMPT_PAGES[p], i, PAGE_SIZE))).toArray();
            Tensor hidden = m.transformer.prefill(batch, cache, rows, m.transformer.weights().packed(scope), scope);
            int[] last = Arrays.stream(PROMPT_OF).map(p -> batch.promptLastRows()[p]).toArray();
            store(m, hidden, last, IntStream.range(0, LENGTH.length).toArray(), completions, 0, logprobs, scope);
        }
        PackedWeights packed = m.parameters.packed(m.arena);
        DecodeBatch batch = new DecodeBatch(PAGE_SIZE);
        for (int t = 1; t < LENGTH[0]; t++) {
            int step = t;
            int[] alive = IntStream.range(0, LENGTH.length).filter(s -> LENGTH[s] > step).toArray();
            batch.clear();
            for (int s : alive) {
                int prompt = PROMPT_OF[s];
                batch.add(completions[s][t - 1], PROMPT_PAGES[prompt], PROMPT_LENGTH[prompt], PAGES_OF[s], t);
            }
            try (Arena scope = m.arena.scope("step")) {
                Tensor hidden = m.transformer.decode(m.transformer.upload(batch, 32, 16, scope), cache, packed, scope);
                store(m, hidden, IntStream.range(0, alive.length).toArray(), alive, completions, t, logprobs, scope);
            }
        }
        return logprobs;
    }

    private static void store(TestModel m, Tensor hidden, int[] rows, int[] sequences, int[][] completions, int t,
                              float[][] logprobs, Arena scope) {
        TokenStats stats = new TokenStats(new float[rows.length], null, null);
        m.head.score(hidden, rows, Arrays.stream(sequences).map(s -> completions[s][t]).toArray(), 1, 1, stats, scope);
        for (int i = 0; i < sequences.length; i++) {
            logprobs[sequences[i]][t] = stats.logprob()[i];
        }
    }
}
