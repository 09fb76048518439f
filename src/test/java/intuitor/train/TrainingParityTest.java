package intuitor.train;

import static intuitor.device.Relative.assertRelative;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Sampling;
import intuitor.device.TestDevices;
import intuitor.device.TestDevices.Target;
import intuitor.model.Architecture;
import intuitor.model.ModelConfig;
import intuitor.model.ParameterSet;
import intuitor.model.TrainingWeights;
import intuitor.rollout.Completion;
import intuitor.rollout.Decoding;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Ten steps of GRPO on other devices and in other storage types, beside fp32 on the CPU from the same weights. */
class TrainingParityTest {

    private static final List<String> METRICS = List.of("reward", "loss", "kl", "grad_norm", "entropy",
            "completions/mean_length");
    private static final int STEPS = 10;
    private static final int VOCAB = 97;

    private static final ModelConfig MODEL = new ModelConfig(Architecture.QWEN2, VOCAB, 32, 48, 2, 2, 1, 32, 1e-6, 1e4,
            Optional.empty(), 64, true, "float32", List.of(0), OptionalInt.empty(), OptionalInt.empty());

    private static final GrpoConfig CONFIG =
            GrpoConfigTest.config(Map.of("prompts_per_step", "2", "num_generations", "4",
            "max_completion_length", "10", "learning_rate", "1e-3", "lr_scheduler_type", "constant", "beta", "0.02",
            "weight_decay", "0.01"));

    private static final List<EncodedPrompt> PROMPTS = Stream.of(new int[] {11, 12, 13}, new int[] {50},
            new int[] {60, 70, 80, 90}).map(tokens -> new EncodedPrompt(tokens, null)).toList();

    /** What ten steps leave: metrics and completions of each, the master weights before and after. */
    private record Run(List<Map<String, Object>> metrics, List<Completion> completions, float[] before, float[] after) {

        double[] curve(String metric) {
            return metrics.stream().mapToDouble(m -> (double) m.get(metric)).toArray();
        }

        /** The first step's metrics; loss and KL are 0 then. */
        double[] first() {
            return Stream.of("reward", "entropy", "grad_norm").mapToDouble(m -> (double) metrics.getFirst().get(m))
                    .toArray();
        }

        double[] update() {
            double[] update = new double[before.length];
            Arrays.setAll(update, i -> (double) after[i] - before[i]);
            return update;
        }
    }

    @ParameterizedTest
    @FieldSource("intuitor.device.TestDevices#TARGETS")
    void theSameTraining(Target target) {
        Run actual = run(target.open(), target.storage());
        assertSameBits(actual, run(target.open(), target.storage())); // emulated: in the reverse order of threads
        Run expected = run(Device.open("cpu", 2), DType.F32);
        if (target.isFp32()) {
            assertSameTokens(expected, actual);
            assertCurves(expected, actual, 1e-4, METRICS);
            assertRelative(expected.update(), actual.update(), 1e-3, "ten updates");
        } else {
            // a draw in a hundred falls otherwise, and all that comes after it: the same course, not the same tokens
            assertRelative(expected.first(), actual.first(), 2e-2, "the first step");
            assertCurves(expected, actual, 0.1, List.of("reward", "entropy"));
            assertCurves(expected, actual, 0.3, List.of("grad_norm", "kl", "completions/mean_length"));
            assertRelative(expected.update(), actual.update(), 0.8, "ten updates");
        }
    }

    private static void assertCurves(Run expected, Run actual, double bound, List<String> metrics) {
        metrics.forEach(m -> assertRelative(expected.curve(m), actual.curve(m), bound, m));
    }

    private static Run run(Device opened, DType storage) {
        try (Device device = opened) {
            TrainingWeights policy = weights(device, storage);
            ParameterSet base = weights(device, storage).working();
            float[] before = values(device, policy);
            Decoding decoding = new Decoding(new Sampling(CONFIG.temperature(), 0, 1, 0, VOCAB, 5),
                    CONFIG.maxCompletionLength(), Set.of(0, 1, 2, 3, 4), 1);
            List<Map<String, Object>> metrics = new ArrayList<>();
            List<Completion> completions = new ArrayList<>();
            try (GrpoTrainer trainer = new GrpoTrainer(device, CONFIG, policy, base,
                    new PromptStream<>(PROMPTS, true, 5), decoding, Arrays::toString, 100, new StopSignal())) {
                for (int i = 0; i < STEPS; i++) {
                    StepResult step = trainer.step();
                    metrics.add(step.metrics());
                    completions.addAll(step.completions());
                }
            }
            return new Run(metrics, completions, before, values(device, policy));
        }
    }

    /** Weights that bf16 holds exactly: the same start in both types. */
    private static TrainingWeights weights(Device device, DType storage) {
        TrainingWeights rounded = TinyBase.weights(device, MODEL, DType.BF16, "rounded");
        TrainingWeights weights = new TrainingWeights(device.arena("weights"), MODEL, storage, "weights");
        weights.master().copyFrom(rounded.working());
        weights.update();
        return weights;
    }

    private static float[] values(Device device, TrainingWeights weights) {
        float[] values = new float[(int) weights.master().flat().size()];
        device.download(values, weights.master().flat());
        return values;
    }

    private static void assertSameBits(Run expected, Run actual) {
        assertArrayEquals(expected.after(), actual.after());
        assertSameTokens(expected, actual);
    }

    private static void assertSameTokens(Run expected, Run actual) {
        assertEquals(expected.completions().size(), actual.completions().size());
        for (int i = 0; i < expected.completions().size(); i++) {
            assertArrayEquals(expected.completions().get(i).tokens(), actual.completions().get(i).tokens(),
                    "completion " + i);
        }
    }
}
