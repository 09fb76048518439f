package intuitor.rollout;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Sampling;
import intuitor.device.TestDevices;
import intuitor.model.Architecture;
import intuitor.model.InferenceWeights;
import intuitor.model.KvCache;
import intuitor.model.LmHead;
import intuitor.model.ModelConfig;
import intuitor.model.PackedBatch;
import intuitor.model.PackedWeights;
import intuitor.model.ParameterSet;
import intuitor.model.TokenStats;
import intuitor.model.Transformer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RolloutTest {

    private static final int VOCAB = 97;
    private static final int MAX_LENGTH = 14;
    private static final double TEMPERATURE = 0.9;
    private static final long LARGE_CACHE = 64 << 20;

    private static final ModelConfig MODEL = new ModelConfig(Architecture.QWEN2, VOCAB, 32, 48, 2, 4, 2, 8, 1e-6, 1e4,
            Optional.empty(), 64, true, "float32", List.of(0), OptionalInt.empty(), OptionalInt.empty());

    /** A tenth of the vocabulary ends a completion, so that lengths differ. */
    private static final Set<Integer> STOP = IntStream.range(0, 10).boxed().collect(Collectors.toSet());

    private final List<int[]> prompts = List.of(new int[] {11, 12, 13}, new int[] {50},
            new int[] {20, 30, 40, 50, 60, 70, 80});

    private Device device;
    private Transformer model;
    private Rollout rollout;
    /** Whether the bits of a product's row depend on nothing but that row. */
    private boolean exact;

    @BeforeEach
    void open() {
        device = TestDevices.open(1);
        ParameterSet parameters = new ParameterSet(device.arena("parameters"), MODEL, DType.F32, "weights");
        parameters.initialize(3, 0.25);
        model = new Transformer(device, parameters);
        rollout = new Rollout(device, model, LARGE_CACHE, Rollout.PAGE_SIZE, 1);
        exact = !TestDevices.isCuda() && device.blas().isRowInvariant();
    }

    @AfterEach
    void close() {
        rollout.close();
        model.close();
        device.close();
    }

    @Test
    void whatTheSamplerSaysIsWhatAFullForwardPassSays() {
        for (Group group : generate(rollout, 4, TEMPERATURE)) {
            PackedBatch batch = PackedBatch.builder()
                    .group(group.prompt(), group.completions().stream().map(Completion::tokens).toList()).build();
            TokenStats expected = TokenStats.of(batch.scored());
            for (boolean byPacked : new boolean[] {false, true}) {
                try (Arena scratch = device.arena("scratch")) {
                    PackedWeights packed = byPacked ? model.weights().packed(scratch) : null;
                    new LmHead(device, model.weights()).score(model.forward(batch, packed, scratch),
                            batch.scoredRows(), batch.targets(), TEMPERATURE, 1, packed, expected, scratch);
                }
                float tolerance = byPacked && exact ? 0 : 1e-4f;
                assertArrayEquals(expected.logprob(), joined(group, Completion::logprobs), tolerance);
                assertArrayEquals(expected.entropy(), joined(group, Completion::entropy), tolerance);
                assertArrayEquals(expected.selfCertainty(), joined(group, Completion::selfCertainty), tolerance);
            }
        }
    }

    @Test
    void weightsForInferenceDrawTheSame() {
        try (InferenceWeights weights = InferenceWeights.random(device, MODEL, 3, 0.25);
                Transformer packed = new Transformer(device, weights);
                Rollout other = new Rollout(device, packed, LARGE_CACHE)) {
            List<Group> expected = generate(rollout, 4, TEMPERATURE);
            List<Group> actual = generate(other, 4, TEMPERATURE);
            assertEquals(tokens(expected), tokens(actual));
            for (int i = 0; i < expected.size(); i++) {
                assertArrayEquals(joined(expected.get(i), Completion::logprobs),
                        joined(actual.get(i), Completion::logprobs), exact ? 0 : 1e-5f);
            }
        }
    }

    @Test
    void aCompletionEndsAtItsFirstStopTokenOrAtTheGreatestLength() {
        List<Completion> all = generate(rollout, 16, TEMPERATURE).stream().flatMap(g -> g.completions().stream())
                .toList();
        for (Completion c : all) {
            int[] inner = Arrays.copyOf(c.tokens(), c.length() - 1);
            assertTrue(Arrays.stream(inner).noneMatch(STOP::contains));
            assertEquals(STOP.contains(c.tokens()[c.length() - 1]), c.stopped());
            assertTrue(c.stopped() || c.length() == MAX_LENGTH);
        }
        assertTrue(all.stream().anyMatch(Completion::stopped) && all.stream().anyMatch(c -> !c.stopped()));
    }

    /**
     * Neither the other prompts, nor the number of siblings, nor the size of the cache and of its pages changes what is
     * drawn and what is said about it; where the matrix library adds up in one order, not by a bit.
     */
    @ParameterizedTest
    @CsvSource({"1, 1, 1", "1, 1, 7", "40, 1, 2", "60, 3, 1", "60, 3, 16", "100, 7, 16", "100, 16, 1", "1000, 4, 7"})
    void drawsDoNotDependOnTheBatch(int cacheRows, int pageSize, int steps) {
        List<Group> together = generate(rollout, 6, TEMPERATURE);
        try (Rollout small = small(cacheRows, pageSize, steps)) {
            assertSame(together, generate(small, 6, TEMPERATURE));
        }
        List<Group> alone = rollout.generate(prompts.subList(0, 1), 2, decoding(TEMPERATURE, 5), 8, () -> false,
                TokenListener.NONE);
        assertSame(List.of(new Group(prompts.getFirst(), together.getFirst().completions().subList(0, 2))), alone);
    }

    /** With matrices in bf16, too, a completion is what it is alone, to the bit. */
    @Test
    void drawsDoNotDependOnTheBatchInBf16() {
        if (!device.blas().packsInBf16()) {
            throw TestDevices.skip("rollouts in bf16", "this device does not pack matrices in bf16");
        }
        try (InferenceWeights weights = InferenceWeights.random(device, MODEL, DType.BF16, 3, 0.25);
                Transformer packed = new Transformer(device, weights);
                Rollout roomy = new Rollout(device, packed, LARGE_CACHE);
                Rollout crowded = new Rollout(device, packed, 40 * KvCache.bytesPerRow(MODEL, DType.F32), 2, 3)) {
            List<Group> together = generate(roomy, 6, TEMPERATURE);
            assertFalse(Arrays.equals(joined(together.getFirst(), Completion::logprobs),
                    joined(generate(rollout, 6, TEMPERATURE).getFirst(), Completion::logprobs)), "they are rounded");
            assertSame(together, generate(crowded, 6, TEMPERATURE));
            List<Group> alone = roomy.generate(prompts.subList(0, 1), 2, decoding(TEMPERATURE, 5), 8, () -> false,
                    TokenListener.NONE);
            assertSame(List.of(new Group(prompts.getFirst(), together.getFirst().completions().subList(0, 2))), alone);
        }
    }

    /** Its pages given up, taken back and computed again: a completion goes on as if nothing had happened. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 16})
    void completionsThatHadToWaitAreTheSame(int steps) {
        List<Group> expected = generate(rollout, 12, TEMPERATURE);
        try (Rollout small = small(36, 2, steps)) {
            assertSame(expected, generate(small, 12, TEMPERATURE));
            assertTrue(small.preemptions() > 0, "the pool is too small for what was expected");
        }
    }

    /** Steps that the device makes by itself are those that the host would have made, to the bit. */
    @ParameterizedTest
    @ValueSource(ints = {2, 7, 16})
    void stepsWithoutTheHostDrawTheSame(int steps) {
        List<Group> expected = generate(rollout, 4, TEMPERATURE);
        try (Rollout ahead = small(1000, 4, steps)) {
            List<Group> actual = generate(ahead, 4, TEMPERATURE);
            assertSame(expected, actual);
            if (TestDevices.KIND.equals("emu")) { // whose matrix library's rows do not depend on others either
                assertSame(expected, actual, 0);
            }
        }
    }

    /** A listener that ends a completion ends it there, however many steps the device has made. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 16})
    void aCompletionEndsWhereTheListenerEndsIt(int steps) {
        List<Group> whole = generate(rollout, 4, TEMPERATURE);
        try (Rollout ahead = small(1000, 4, steps)) {
            int[] last = new int[1];
            TokenListener odd = new TokenListener() {
                @Override
                public void token(int prompt, int index, int token) {
                    last[0] = token;
                }

                @Override
                public boolean ends(int prompt, int index) {
                    return last[0] % 5 == 0;
                }
            };
            List<Group> cut = ahead.generate(prompts, 4, decoding(TEMPERATURE, 5), 8, () -> false, odd);
            for (int i = 0; i < whole.size(); i++) {
                for (int j = 0; j < 4; j++) {
                    int[] tokens = whole.get(i).completions().get(j).tokens();
                    int end = IntStream.range(0, tokens.length).filter(t -> tokens[t] % 5 == 0).findFirst()
                            .orElse(tokens.length - 1);
                    assertArrayEquals(Arrays.copyOf(tokens, end + 1), cut.get(i).completions().get(j).tokens());
                }
            }
        }
    }

    /** A text that is read as it comes is not held back for long, and the penalty sees every token before the next. */
    @Test
    void tokensComeSoonToWhoWaitsForThem() {
        try (Rollout ahead = small(1000, 4, 16)) {
            List<Integer> polls = new ArrayList<>(); // tokens heard of when the call looked whether to go on
            int[] heard = new int[1];
            TokenListener reader = new TokenListener() {
                @Override
                public void token(int prompt, int index, int token) {
                    heard[0]++;
                }

                @Override
                public int maxDelay() {
                    return 3;
                }
            };
            Decoding endless = new Decoding(new Sampling(1, 0, 1, 0, VOCAB, 5), MAX_LENGTH, Set.of(), 1);
            ahead.generate(prompts.subList(0, 1), 1, endless, 8, () -> !polls.add(heard[0]), reader);
            assertEquals(List.of(0, 1, 4, 7, 10, 13), polls.stream().distinct().toList());
            polls.clear();
            heard[0] = 0;
            Decoding penalized = new Decoding(endless.sampling(), MAX_LENGTH, Set.of(), 1, 1.5, StopStrings.NONE);
            ahead.generate(prompts.subList(0, 1), 1, penalized, 8, () -> !polls.add(heard[0]),
                    (prompt, index, token) -> heard[0]++);
            assertEquals(IntStream.range(0, MAX_LENGTH).boxed().toList(), polls.stream().distinct().toList());
        }
    }

    @Test
    void theSameCallDrawsTheSameAndAnotherStreamOrSeedAnother() {
        List<Group> first = generate(rollout, 3, TEMPERATURE);
        assertSame(first, generate(rollout, 3, TEMPERATURE));
        String tokens = tokens(first);
        assertFalse(tokens.equals(tokens(rollout.generate(prompts, 3, decoding(TEMPERATURE, 5), 9, () -> false,
                TokenListener.NONE))));
        assertFalse(tokens.equals(tokens(rollout.generate(prompts, 3, decoding(TEMPERATURE, 6), 8, () -> false,
                TokenListener.NONE))));
        assertFalse(Arrays.equals(first.getFirst().completions().get(0).tokens(),
                first.getFirst().completions().get(1).tokens()), "siblings differ");
    }

    /** Greedy decoding takes the most likely token, whose log-probability no other token exceeds. */
    @Test
    void greedyTakesTheMostLikelyToken() {
        for (Group group : generate(rollout, 1, 0)) {
            int[] tokens = group.completions().getFirst().tokens();
            for (int t = 0; t < tokens.length; t++) {
                int[] prefix = Arrays.copyOf(group.prompt(), group.prompt().length + t);
                System.arraycopy(tokens, 0, prefix, group.prompt().length, t);
                assertEquals(mostLikely(prefix), tokens[t]);
            }
        }
    }

    /** So heavy a penalty that nothing is drawn twice; what is said about a token is said without it. */
    @Test
    void theRepetitionPenaltyKeepsTokensFromComingAgain() {
        Decoding decoding = new Decoding(new Sampling(0, 0, 1, 0, VOCAB, 5), MAX_LENGTH, Set.of(), 1, 1e6,
                StopStrings.NONE);
        for (Group group : rollout.generate(prompts, 1, decoding, 8, () -> false, TokenListener.NONE)) {
            Completion c = group.completions().getFirst();
            IntStream all = IntStream.concat(Arrays.stream(group.prompt()), Arrays.stream(c.tokens()));
            assertEquals(group.prompt().length + c.length(), all.distinct().count());
            PackedBatch batch = PackedBatch.builder().group(group.prompt(), List.of(c.tokens())).build();
            TokenStats expected = TokenStats.of(batch.scored());
            try (Arena scratch = device.arena("scratch")) {
                new LmHead(device, model.weights()).score(model.forward(batch, scratch), batch.scoredRows(),
                        batch.targets(), 1, 1, expected, scratch);
            }
            assertArrayEquals(expected.logprob(), c.logprobs(), 1e-4f);
        }
    }

    @Test
    void paddingRowsOfTheHeadAreNeverDrawn() {
        Decoding few = new Decoding(new Sampling(2, 0, 1, 0, 40, 5), MAX_LENGTH, Set.of(), 1);
        for (Group group : rollout.generate(prompts, 8, few, 0, () -> false, TokenListener.NONE)) {
            group.completions().forEach(c -> assertTrue(Arrays.stream(c.tokens()).allMatch(t -> t < 40)));
        }
    }

    @Test
    void theListenerHearsEveryTokenInOrder() {
        List<List<Integer>> heard = new ArrayList<>();
        IntStream.range(0, prompts.size() * 2).forEach(i -> heard.add(new ArrayList<>()));
        List<Group> groups = rollout.generate(prompts, 2, decoding(TEMPERATURE, 5), 8, () -> false,
                (prompt, index, token) -> heard.get(2 * prompt + index).add(token));
        for (Group group : groups) {
            for (Completion c : group.completions()) {
                assertArrayEquals(c.tokens(), heard.get(2 * c.prompt() + c.index()).stream().mapToInt(i -> i)
                        .toArray());
            }
        }
    }

    @Test
    void aStopRequestEndsItBetweenTwoTokens() {
        int[] tokens = new int[1];
        assertThrows(StopRequested.class, () -> rollout.generate(prompts, 2, decoding(TEMPERATURE, 5), 8,
                () -> tokens[0] > 6, (prompt, index, token) -> tokens[0]++));
        assertTrue(tokens[0] <= 12, "one more token for each completion at most");
        assertEquals(prompts.size(), generate(rollout, 2, TEMPERATURE).size());
    }

    private Rollout small(int cacheRows, int pageSize, int steps) {
        return new Rollout(device, model, cacheRows * KvCache.bytesPerRow(MODEL, DType.F32), pageSize, steps);
    }

    private List<Group> generate(Rollout with, int generations, double temperature) {
        return with.generate(prompts, generations, decoding(temperature, 5), 8, () -> false, TokenListener.NONE);
    }

    private static Decoding decoding(double temperature, long seed) {
        return new Decoding(new Sampling(temperature, 0, 1, 0, VOCAB, seed), MAX_LENGTH, STOP, 1);
    }

    private int mostLikely(int[] prefix) {
        int[] rows = new int[VOCAB];
        Arrays.fill(rows, prefix.length - 1);
        TokenStats stats = new TokenStats(new float[VOCAB], null, null);
        try (Arena scratch = device.arena("scratch")) {
            PackedBatch batch = PackedBatch.builder().prompt(prefix).build();
            new LmHead(device, model.weights()).score(model.forward(batch, scratch), rows,
                    IntStream.range(0, VOCAB).toArray(), 1, 1, stats, scratch);
        }
        return IntStream.range(0, VOCAB).reduce(0, (a, b) -> stats.logprob()[b] > stats.logprob()[a] ? b : a);
    }

    private interface Part {
        float[] of(Completion c);
    }

    private static final List<Part> PARTS = List.of(Completion::logprobs, Completion::entropy,
            Completion::selfCertainty);

    private static float[] joined(Group group, Part part) {
        float[] all = new float[group.completions().stream().mapToInt(Completion::length).sum()];
        int n = 0;
        for (Completion c : group.completions()) {
            System.arraycopy(part.of(c), 0, all, n, c.length());
            n += c.length();
        }
        return all;
    }

    /** The same tokens, and the same bits of what was said about them if {@link #exact}. */
    private void assertSame(List<Group> expected, List<Group> actual) {
        assertSame(expected, actual, exact ? 0 : 1e-5f);
    }

    private static void assertSame(List<Group> expected, List<Group> actual, float tolerance) {
        assertEquals(tokens(expected), tokens(actual));
        for (int i = 0; i < expected.size(); i++) {
            for (Part part : PARTS) {
                assertArrayEquals(joined(expected.get(i), part), joined(actual.get(i), part), tolerance);
            }
        }
    }

    private static String tokens(List<Group> groups) {
        return groups.stream().map(g -> g.completions().stream()
                .map(c -> c.prompt() + "." + c.index() + " " + Arrays.toString(c.tokens()))
                .collect(Collectors.joining("\n"))).collect(Collectors.joining("\n"));
    }
}
