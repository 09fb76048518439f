package intuitor.rollout;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.HeadForward;
import intuitor.device.Sampling;
import intuitor.device.TestDevices;
import intuitor.model.Architecture;
import intuitor.model.InferenceWeights;
import intuitor.model.KvCache;
import intuitor.model.ModelConfig;
import intuitor.model.Transformer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Many completions that end at random, over tiny pages and a pool that is too small. The property {@code
 * intuitor.test.completions} says how many (400).
 */
class ManyCompletionsTest {

    private static final int COMPLETIONS = Integer.getInteger("intuitor.test.completions", 400);
    private static final int GENERATIONS = 8;
    private static final int VOCAB = 97;
    private static final int MAX_LENGTH = 40;
    private static final int PAGE_SIZE = 2;
    private static final int STREAM = 3;

    private static final ModelConfig MODEL = new ModelConfig(Architecture.QWEN3, VOCAB, 32, 48, 2, 4, 2, 8, 1e-6, 1e4,
            Optional.empty(), 64, true, "float32", List.of(0), OptionalInt.empty(), OptionalInt.empty());
    /** 5 of 97 tokens end a completion: most do so between its first and its fortieth token. */
    private static final Set<Integer> STOP = IntStream.range(0, 5).boxed().collect(Collectors.toSet());
    private static final Decoding DECODING = new Decoding(new Sampling(1, 0, 1, 0, VOCAB, 9), MAX_LENGTH, STOP, 1);

    private Device device;
    private InferenceWeights weights;
    private Transformer model;

    @BeforeEach
    void open() {
        device = TestDevices.open(1);
        weights = InferenceWeights.random(device, MODEL, 3, 0.25);
        model = new Transformer(device, weights);
    }

    @AfterEach
    void close() {
        model.close();
        weights.close();
        device.close();
    }

    private static List<int[]> prompts(int count) {
        Random random = new Random(count);
        return Stream.generate(() -> random.ints(1 + random.nextInt(9), 5, VOCAB).toArray()).limit(count).toList();
    }

    /** That the device makes without the host. */
    private static IntStream steps() {
        return IntStream.of(1, 2, 7, 16);
    }

    private static long cache(int rows) {
        return rows * KvCache.bytesPerRow(MODEL, DType.F32);
    }

    @ParameterizedTest
    @MethodSource("steps")
    void eachIsTheOneGeneratedAlone(int steps) {
        List<int[]> prompts = prompts(COMPLETIONS / GENERATIONS);
        boolean exact = !TestDevices.isCuda() && device.blas().isRowInvariant();
        try (Rollout crowded = new Rollout(device, model, cache(200), PAGE_SIZE, steps);
                Rollout roomy = new Rollout(device, model, cache(4096), Rollout.PAGE_SIZE, 1)) {
            List<Group> groups = crowded.generate(prompts, GENERATIONS, DECODING, STREAM, () -> false,
                    TokenListener.NONE);
            assertTrue(crowded.preemptions() > 0, "none had to wait again");
            long lengths = 0;
            for (int p = 0; p < prompts.size(); p++) {
                for (Completion c : groups.get(p).completions()) {
                    SharedPrompt prompt = new SharedPrompt(prompts.get(p));
                    GrowingSequence alone = new GrowingSequence(p, c.index(), SequenceId.of(STREAM, p, c.index()),
                            prompt);
                    prompt.add(alone);
                    roomy.generate(List.of(prompt), DECODING, () -> false, TokenListener.NONE);
                    Completion expected = alone.completion();
                    assertArrayEquals(expected.tokens(), c.tokens());
                    assertEquals(expected.stopped(), c.stopped());
                    float tolerance = exact ? 0 : 1e-5f;
                    assertArrayEquals(expected.logprobs(), c.logprobs(), tolerance);
                    assertArrayEquals(expected.selfCertainty(), c.selfCertainty(), tolerance);
                    lengths += c.length();
                }
            }
            System.out.printf("%d completions, %d tokens, %d times one had to wait again%n",
                    prompts.size() * GENERATIONS, lengths, crowded.preemptions());
        }
    }

    @Test
    void memoryReturnsToItsStartAfterEachOf100Rollouts() {
        List<int[]> prompts = prompts(5);
        try (Arena memory = device.arena("rollouts")) {
            List<Rollout> rollouts = steps()
                    .mapToObj(steps -> new Rollout(memory, false, model, model.weights()::packed,
                            HeadForward.Kind.TILED, cache(200), PAGE_SIZE, steps)).toList();
            long before = memory.usedBytes();
            long peak = 0;
            for (int i = 0; i < 100; i++) {
                int stream = i % 50;
                rollouts.get(stream % rollouts.size()).generate(prompts, 4, DECODING, stream, () -> false,
                        TokenListener.NONE);
                assertEquals(before, memory.usedBytes());
                peak = i < 50 ? memory.peakBytes() : peak;
            }
            assertEquals(peak, memory.peakBytes(), "the same rollouts again take no more than the first time");
        }
    }
}
