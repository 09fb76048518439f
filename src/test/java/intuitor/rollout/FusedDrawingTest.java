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
import intuitor.model.ModelConfig;
import intuitor.model.TrainingWeights;
import intuitor.model.Transformer;
import java.util.ArrayList;
import java.util.Arrays;
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
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Completions drawn by the fused LM head, in bf16 on the emulated device or a GPU: {@link ManyCompletionsTest} in
 * small. The cache has room for all of them: what gave up its place is computed again by other kernels, in other bits.
 */
class FusedDrawingTest {

    private static final int PROMPTS = 8;
    private static final int GENERATIONS = 17; // 136 in all: more than the rows of a block
    private static final int VOCAB = 600; // two whole tiles and a part of one
    private static final int MAX_LENGTH = 9;
    private static final int STREAM = 3;
    private static final long CACHE = 1 << 26;

    private static final ModelConfig MODEL = new ModelConfig(Architecture.QWEN3, VOCAB, 32, 48, 1, 4, 2, 8, 1e-6, 1e4,
            Optional.empty(), 64, true, "float32", List.of(0), OptionalInt.empty(), OptionalInt.empty());
    /** So many that most completions end between their first token and the last possible one. */
    private static final Set<Integer> STOP = IntStream.range(0, 90).boxed().collect(Collectors.toSet());
    private static final Decoding DECODING = new Decoding(new Sampling(1, 0, 1, 0, VOCAB - 5, 9), MAX_LENGTH, STOP, 1);

    private Device device;
    private Arena memory;
    private Transformer model;

    @BeforeEach
    void open() {
        device = Device.open(TestDevices.KIND.equals("cuda") ? "cuda" : "emu", 1);
        TestDevices.requireHopper(device, "the fused LM head");
        memory = device.arena("weights");
        TrainingWeights weights = new TrainingWeights(memory, MODEL, DType.BF16, "weights");
        weights.initialize(3, 0.25);
        model = new Transformer(device, weights.working());
    }

    @AfterEach
    void close() {
        if (model != null) {
            model.close();
            memory.close();
        }
        device.close();
    }

    private static List<int[]> prompts() {
        Random random = new Random(5);
        return Stream.generate(() -> random.ints(1 + random.nextInt(9), 90, VOCAB).toArray()).limit(PROMPTS).toList();
    }

    private Rollout rollout(HeadForward.Kind head, int steps) {
        return new Rollout(memory, false, model, model.weights()::packed, head, CACHE, Rollout.PAGE_SIZE, steps);
    }

    private static List<Completion> all(Rollout rollout) {
        List<Completion> all = new ArrayList<>();
        rollout.generate(prompts(), GENERATIONS, DECODING, STREAM, () -> false, TokenListener.NONE)
                .forEach(group -> all.addAll(group.completions()));
        assertEquals(0, rollout.preemptions());
        return all;
    }

    /** By some steps at a time, among others that end before it, and alone: the same tokens and bits. */
    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void eachIsTheOneGeneratedAlone(int steps) {
        if (!device.blas().isRowInvariant()) {
            throw TestDevices.skip("completions alone and among others", "products depend on the number of rows");
        }
        List<Completion> together = all(rollout(HeadForward.Kind.FUSED, steps));
        assertTrue(together.stream().mapToInt(Completion::length).distinct().count() > 5, "they end at random");
        List<int[]> prompts = prompts();
        Rollout one = rollout(HeadForward.Kind.FUSED, 1);
        for (int i = 0; i < together.size(); i += 17) { // an emulated device is slow
            int p = i / GENERATIONS;
            SharedPrompt prompt = new SharedPrompt(prompts.get(p));
            int index = together.get(i).index();
            GrowingSequence alone = new GrowingSequence(p, index, SequenceId.of(STREAM, p, index), prompt);
            prompt.add(alone);
            one.generate(List.of(prompt), DECODING, () -> false, TokenListener.NONE);
            Completion expected = alone.completion();
            Completion actual = together.get(i);
            assertArrayEquals(expected.tokens(), actual.tokens());
            assertEquals(expected.stopped(), actual.stopped());
            assertArrayEquals(expected.logprobs(), actual.logprobs());
            assertArrayEquals(expected.entropy(), actual.entropy());
            assertArrayEquals(expected.selfCertainty(), actual.selfCertainty());
        }
    }

    /** What whole rows of logits give: the same tokens, but where rounding decides, and what follows them. */
    @Test
    void theCompletionsOfWholeRows() {
        List<Completion> fused = all(rollout(HeadForward.Kind.FUSED, 4));
        List<Completion> whole = all(rollout(HeadForward.Kind.TILED, 4));
        int same = 0;
        for (int i = 0; i < fused.size(); i++) {
            if (Arrays.equals(whole.get(i).tokens(), fused.get(i).tokens())) {
                same++;
                assertArrayEquals(whole.get(i).logprobs(), fused.get(i).logprobs(), 2e-5f);
                assertArrayEquals(whole.get(i).entropy(), fused.get(i).entropy(), 2e-5f);
                assertArrayEquals(whole.get(i).selfCertainty(), fused.get(i).selfCertainty(), 2e-5f);
            }
        }
        assertTrue(same >= fused.size() - 2, same + " of " + fused.size() + " completions are the same");
    }
}
