package intuitor.rollout;

import static intuitor.device.Relative.assertRelative;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Sampling;
import intuitor.device.TestDevices;
import intuitor.device.TestDevices.Target;
import intuitor.model.Architecture;
import intuitor.model.LmHead;
import intuitor.model.ModelConfig;
import intuitor.model.PackedBatch;
import intuitor.model.TokenStats;
import intuitor.model.TrainingWeights;
import intuitor.model.Transformer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Generation on other devices and in other storage types, beside fp32 on the CPU with the same weights. */
class GenerationParityTest {

    private static final int VOCAB = 97;
    private static final int MAX_LENGTH = 14;
    private static final int GENERATIONS = 4;
    private static final long CACHE = 1 << 20;
    private static final double TEMPERATURE = 0.9;

    private static final ModelConfig MODEL = new ModelConfig(Architecture.QWEN3, VOCAB, 48, 64, 2, 4, 2, 32, 1e-6, 1e4,
            Optional.empty(), 64, true, "float32", List.of(0), OptionalInt.empty(), OptionalInt.empty());

    private static final List<int[]> PROMPTS = List.of(new int[] {11, 12, 13}, new int[] {50},
            new int[] {20, 30, 40, 50, 60, 70, 80});

    /** Greedy, plain sampling, and each filter. */
    private static final List<Sampling> SAMPLINGS = List.of(sampling(0, 0, 1, 0), sampling(TEMPERATURE, 0, 1, 0),
            sampling(TEMPERATURE, 12, 1, 0), sampling(TEMPERATURE, 0, 0.8, 0), sampling(TEMPERATURE, 0, 1, 0.1));

    private static Sampling sampling(double temperature, int topK, double topP, double minP) {
        return new Sampling(temperature, topK, topP, minP, VOCAB - 3, 5);
    }

    static Stream<Arguments> targetsAndSamplings() {
        return TestDevices.TARGETS.stream().flatMap(t -> SAMPLINGS.stream().map(s -> Arguments.of(t, s)));
    }

    /** A device, a model on it with the weights that all models here have, and a generator. */
    private static final class Generator implements AutoCloseable {

        final Device device;
        final Transformer model;
        final Rollout rollout;

        Generator(Device device, DType storage) {
            this.device = device;
            TrainingWeights weights = new TrainingWeights(device.arena("weights"), MODEL, DType.BF16, "weights");
            weights.initialize(3, 0.25);
            // what bf16 holds is the same in both types
            TrainingWeights stored = new TrainingWeights(device.arena("stored"), MODEL, storage, "stored");
            stored.master().copyFrom(weights.working());
            stored.update();
            model = new Transformer(device, stored.working());
            rollout = new Rollout(device, model, CACHE);
        }

        List<Completion> generate(Sampling sampling) {
            Decoding decoding = new Decoding(sampling, MAX_LENGTH, Set.of(0, 1, 2), 1);
            return rollout.generate(PROMPTS, GENERATIONS, decoding, 8, () -> false, TokenListener.NONE).stream()
                    .flatMap(g -> g.completions().stream()).toList();
        }

        /** This model's view of what any model has generated. */
        TokenStats score(List<Completion> completions, double temperature) {
            PackedBatch.Builder builder = PackedBatch.builder();
            completions.forEach(c -> builder.group(PROMPTS.get(c.prompt()), List.of(c.tokens())));
            PackedBatch batch = builder.build();
            TokenStats stats = TokenStats.of(batch.scored());
            try (Arena scratch = device.arena("scratch")) {
                new LmHead(device, model.weights()).score(model.forward(batch, scratch), batch.scoredRows(),
                        batch.targets(), temperature, 1, stats, scratch);
            }
            return stats;
        }

        @Override
        public void close() {
            rollout.close();
            model.close();
            device.close();
        }
    }

    /** In fp32 the same tokens; in bf16 tokens that the fp32 model finds as likely as the bf16 model says. */
    @ParameterizedTest
    @MethodSource("targetsAndSamplings")
    void theSameGeneration(Target target, Sampling sampling) {
        List<Completion> completions = generated(target, sampling);
        assertSameBits(completions, generated(target, sampling)); // emulated: in the reverse order of threads
        try (Generator expected = new Generator(Device.open("cpu", 2), DType.F32)) {
            if (target.isFp32()) {
                assertSameTokens(expected.generate(sampling), completions);
            }
            double temperature = sampling.temperature() == 0 ? 1 : sampling.temperature();
            TokenStats view = expected.score(completions, temperature);
            double bound = target.isFp32() ? 1e-5 : 2e-2;
            assertRelative(view.logprob(), joined(completions, Completion::logprobs), bound, "log-probability");
            assertRelative(view.entropy(), joined(completions, Completion::entropy), bound, "entropy");
            assertRelative(view.selfCertainty(), joined(completions, Completion::selfCertainty), bound,
                    "self-certainty");
        }
    }

    private static List<Completion> generated(Target target, Sampling sampling) {
        try (Generator generator = new Generator(target.open(), target.storage())) {
            return generator.generate(sampling);
        }
    }

    private static void assertSameTokens(List<Completion> expected, List<Completion> actual) {
        assertEquals(expected.size(), actual.size());
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i).tokens(), actual.get(i).tokens(), "completion " + i);
            assertEquals(expected.get(i).stopped(), actual.get(i).stopped());
        }
    }

    private static void assertSameBits(List<Completion> expected, List<Completion> actual) {
        assertSameTokens(expected, actual);
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i).logprobs(), actual.get(i).logprobs());
            assertArrayEquals(expected.get(i).entropy(), actual.get(i).entropy());
            assertArrayEquals(expected.get(i).selfCertainty(), actual.get(i).selfCertainty());
        }
    }

    private interface Part {
        float[] of(Completion c);
    }

    private static float[] joined(List<Completion> completions, Part part) {
        float[] all = new float[completions.stream().mapToInt(Completion::length).sum()];
        int n = 0;
        for (Completion c : completions) {
            System.arraycopy(part.of(c), 0, all, n, c.length());
            n += c.length();
        }
        return all;
    }
}
