package intuitor.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Sampling;
import intuitor.device.TestDevices;
import intuitor.model.LmHead;
import intuitor.model.ModelConfig;
import intuitor.model.PackedBatch;
import intuitor.model.ParameterSet;
import intuitor.model.TokenStats;
import intuitor.model.TrainingWeights;
import intuitor.model.Transformer;
import intuitor.rollout.Completion;
import intuitor.rollout.Decoding;
import intuitor.rollout.Group;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GrpoTrainerTest {

    private static final ModelConfig MODEL = TinyBase.config(0);
    private static final Set<Integer> STOP = IntStream.range(0, 20).boxed().collect(Collectors.toSet());

    private static final Map<String, String> SETTINGS = Map.of("prompts_per_step", "3", "num_generations", "4",
            "max_completion_length", "12", "learning_rate", "1e-3", "lr_scheduler_type", "constant", "beta", "0.02");

    private final List<EncodedPrompt> prompts = Stream.of(new int[] {11, 12, 13}, new int[] {50},
            new int[] {60, 70, 80, 90}).map(tokens -> new EncodedPrompt(tokens, null)).toList();
    private Device device;

    @BeforeEach
    void open() {
        device = TestDevices.open(1);
    }

    @AfterEach
    void close() {
        device.close();
    }

    @Test
    void theFirstStepIsAsTheFormulasSay() {
        try (Run run = new Run(Map.of())) {
            StepResult r = run.trainer.step();
            Map<String, Object> m = r.metrics();
            assertEquals(1, r.step());
            assertEquals(0, (double) m.get("kl"), 1e-7);
            assertEquals(0, (double) m.get("loss"), 1e-6);
            assertTrue((double) m.get("grad_norm") > 1e-3);
            assertEquals(1e-3, m.get("learning_rate"));
            assertEquals(1.0, m.get("epoch"));
            assertTrue((double) m.get("sampling/sampling_logp_difference/max") < 1e-4);
            assertEquals(m.get("self_certainty/mean"), m.get("reward"));
            for (double[] advantages : r.advantages().values()) {
                assertEquals(0, Arrays.stream(advantages).sum(), 1e-9);
            }
        }
    }

    /** The trainer's log-probabilities have the bits of the sampler's, in whatever parts it computes them. */
    @Test
    void samplingAndTrainingSayTheSame() {
        for (Map<String, String> settings : List.<Map<String, String>>of(Map.of(), Map.of("micro_batch_tokens", "20"),
                Map.of("gradient_checkpointing", "true"), Map.of("kv_cache_mib", "1"))) {
            try (Run run = new Run(settings)) {
                for (int step = 0; step < 2; step++) {
                    Map<String, Object> m = run.trainer.step().metrics();
                    if (!TestDevices.isCuda() && device.blas().isRowInvariant()) {
                        assertEquals(0.0, m.get("sampling/sampling_logp_difference/max"), settings.toString());
                    }
                }
            }
        }
        try (Run run = new Run(Map.of("batch_invariant", "false"))) {
            assertTrue((double) run.trainer.step().metrics().get("sampling/sampling_logp_difference/max") < 1e-4);
        }
    }

    /** dLoss along the gradient, from the losses of two moved policies, is the gradient's own length squared. */
    @Test
    void theGradientIsThatOfTheLoss() {
        try (Run run = new Run(Map.of("adam_epsilon", "1e4", "learning_rate", "1e4", "max_grad_norm", "0"))) {
            float[] before = run.policy();
            // with so large an epsilon AdamW's first update is lr / epsilon * gradient: here, the gradient itself
            StepResult r = run.trainer.step();
            float[] after = run.policy();
            double norm = 0;
            float[] gradient = new float[before.length];
            for (int i = 0; i < before.length; i++) {
                gradient[i] = before[i] - after[i];
                norm += (double) gradient[i] * gradient[i];
            }
            assertEquals((double) r.metrics().get("grad_norm"), Math.sqrt(norm), 1e-3 * Math.sqrt(norm));
            double h = 2e-3 / Math.sqrt(norm);
            double derivative = (run.lossAt(before, gradient, h, r) - run.lossAt(before, gradient, -h, r)) / (2 * h);
            assertEquals(norm, derivative, 0.02 * norm);
        }
    }

    @Test
    void microBatchesAndCheckpointingChangeMemoryOnly() {
        double expected = gradNorm(Map.of());
        assertEquals(expected, gradNorm(Map.of("micro_batch_tokens", "20")), 1e-4 * expected);
        assertEquals(expected, gradNorm(Map.of("micro_batch_tokens", "1")), 1e-4 * expected);
        assertEquals(expected, gradNorm(Map.of("gradient_checkpointing", "true")), 1e-4 * expected);
        assertEquals(expected, gradNorm(Map.of("kv_cache_mib", "1")), 1e-4 * expected);
    }

    @Test
    void selfCertaintyRisesAndTheKlTermHoldsItBack() {
        double[] free = selfCertaintyAndKl("0.0001");
        double[] held = selfCertaintyAndKl("5");
        assertTrue(free[1] - free[0] > 0.3, Arrays.toString(free));
        assertTrue(held[2] < free[2] / 4, Arrays.toString(held) + " " + Arrays.toString(free));
    }

    @Test
    void withoutBetaThereIsNoReference() {
        try (Run run = new Run(Map.of("beta", "0"))) {
            assertTrue(!run.trainer.step().metrics().containsKey("kl"));
        }
    }

    /** Offline: after updates the frozen base gives other rewards than the policy gives itself. */
    @Test
    void theReferenceCanBeTheJudge() {
        try (Run run = new Run(Map.of("certainty_model", "reference"))) {
            Map<String, Object> first = run.trainer.step().metrics();
            assertEquals((double) first.get("self_certainty/mean"), (double) first.get("reward"), 1e-4);
            run.trainer.step();
            Map<String, Object> third = run.trainer.step().metrics();
            assertNotEquals((double) third.get("self_certainty/mean"), (double) third.get("reward"), 1e-3);
        }
    }

    /** Every token as it is drawn, then every part of what the reference and the policy compute. */
    @Test
    void aStepTellsHowFarItHasCome() {
        try (Run run = new Run(Map.of("micro_batch_tokens", "20", "num_iterations", "2"))) {
            List<String> told = new ArrayList<>();
            StepResult result = run.trainer.step((phase, done, of) -> told.add(phase + " " + done + "/" + of));
            int tokens = result.completions().stream().mapToInt(Completion::length).sum();
            int parts = MicroBatch.split(result.groups(), 20, true).size();
            assertTrue(parts > 1);
            List<String> expected = new ArrayList<>();
            IntStream.rangeClosed(1, tokens).forEach(i -> expected.add("GENERATING " + i + "/144"));
            IntStream.range(0, parts).forEach(i -> expected.add("SCORING " + i + "/" + parts));
            for (int update = 0; update < 2; update++) {
                IntStream.range(0, parts).forEach(i -> expected.add("TRAINING " + i + "/" + parts));
            }
            assertEquals(expected, told);
        }
    }

    /** One position late, token t has the certainty that token t + 1 has by right. */
    @Test
    void legacyPositionsAreOneLate() {
        try (Run run = new Run(Map.of("micro_batch_tokens", "64"))) {
            Scorer scorer = new Scorer(device.arena("scorer"), run.model, run.config);
            List<Group> groups = run.trainer.step().groups();
            List<Group> right = scorer.certainty(groups, PartListener.NONE);
            List<Group> late = scorer.lateCertainty(groups, PartListener.NONE);
            for (int g = 0; g < groups.size(); g++) {
                for (int i = 0; i < 4; i++) {
                    float[] expected = right.get(g).completions().get(i).selfCertainty();
                    float[] actual = late.get(g).completions().get(i).selfCertainty();
                    assertArrayEquals(Arrays.copyOfRange(expected, 1, expected.length),
                            Arrays.copyOf(actual, actual.length - 1), 1e-4f);
                }
            }
        }
        try (Run run = new Run(Map.of("position_offset", "legacy"))) {
            Map<String, Object> m = run.trainer.step().metrics();
            assertNotEquals((double) m.get("self_certainty/mean"), (double) m.get("reward"), 1e-6);
        }
    }

    /** A later update of a rollout is of a policy that has moved: ratios beyond epsilon are cut, and the loss falls. */
    @ParameterizedTest
    @ValueSource(strings = {"token", "sequence"})
    void severalUpdatesFromARollout(String level) {
        try (Run once = new Run(Map.of("max_grad_norm", "0.1"));
                Run twice = new Run(Map.of("max_grad_norm", "0.1", "num_iterations", "2", "epsilon", "0.001",
                        "importance_sampling_level", level))) {
            StepResult one = once.trainer.step();
            StepResult two = twice.trainer.step();
            assertEquals(1, two.step());
            assertEquals(2, twice.trainer.optimizer().steps());
            assertEquals(1, twice.trainer.steps());
            // the same first update
            assertEquals(one.updates().getFirst().gradientNorm(), two.updates().getFirst().gradientNorm());
            assertEquals(0, two.first().clippedLow() + two.first().clippedHigh());
            GrpoObjective second = two.updates().getLast().objective();
            assertTrue(second.clippedLow() + second.clippedHigh() > 0.1);
            assertEquals((second.clippedLow() + second.clippedHigh()) / 2,
                    (double) two.metrics().get("clip_ratio/region_mean"), 1e-12);
            assertEquals(2, twice.trainer.step().step());
        }
        try (Run free = new Run(Map.of("num_iterations", "3", "importance_sampling_level", level))) {
            List<PolicyUpdate> updates = free.trainer.step().updates();
            assertTrue(updates.get(1).objective().loss() < updates.get(0).objective().loss());
            assertTrue(updates.get(2).objective().loss() < updates.get(1).objective().loss());
        }
    }

    /** With a learning rate of 0 the policy stays, ratios are 1 but for rounding, and the gradients are the same. */
    @ParameterizedTest
    @ValueSource(strings = {"token", "sequence"})
    void updatesOfAPolicyThatDoesNotMoveAreTheSame(String level) {
        try (Run run = new Run(Map.of("learning_rate", "0", "num_iterations", "3", "importance_sampling_level", level,
                "top_entropy_quantile", level.equals("token") ? "0.5" : "1"))) {
            StepResult r = run.trainer.step();
            double norm = r.updates().getFirst().gradientNorm();
            for (PolicyUpdate update : r.updates()) {
                assertEquals(norm, update.gradientNorm(), 1e-5 * norm);
                assertEquals(0, update.objective().clippedLow() + update.objective().clippedHigh());
            }
        }
    }

    /** The reference moves 0.6 of the way after every second step, and stays in between. */
    @Test
    void theReferenceFollowsThePolicy() {
        try (Run run = new Run(Map.of("sync_ref_model", "true", "ref_model_sync_steps", "2"))) {
            float[] base = run.policy();
            run.trainer.step();
            assertArrayEquals(base, run.reference());
            run.trainer.step();
            float[] policy = run.policy();
            float[] mixed = run.reference();
            for (int i = 0; i < base.length; i++) {
                assertEquals(0.6 * policy[i] + 0.4 * base[i], mixed[i], 1e-6);
            }
            run.trainer.step();
            assertArrayEquals(mixed, run.reference());
        }
    }

    /** Completions that were cut teach nothing: with none that ended the gradient is 0. */
    @Test
    void truncatedCompletionsCanBeLeftOut() {
        try (Run run = new Run(Map.of("max_completion_length", "1", "mask_truncated_completions", "true"))) {
            StepResult r = run.trainer.step();
            boolean ended = r.completions().stream().anyMatch(Completion::stopped);
            assertEquals(ended, (double) r.metrics().get("grad_norm") > 0);
        }
        try (Run run = new Run(Map.of("mask_truncated_completions", "true"))) {
            StepResult r = run.trainer.step();
            assertTrue(r.completions().stream().anyMatch(c -> !c.stopped()));
            assertTrue(r.completions().stream().anyMatch(Completion::stopped));
            assertNotEquals(gradNorm(Map.of()), (double) r.metrics().get("grad_norm"), 1e-6);
        }
    }

    @Test
    void cispoLearns() {
        try (Run run = new Run(Map.of("loss_type", "cispo", "epsilon_high", "5", "num_iterations", "2"))) {
            Map<String, Object> m = run.trainer.step().metrics();
            assertEquals(0.0, m.get("cispo_clip_ratio"));
            assertTrue((double) m.get("grad_norm") > 1e-3);
            assertFalse(m.containsKey("clip_ratio/low_mean"));
        }
    }

    private double gradNorm(Map<String, String> settings) {
        try (Run run = new Run(settings)) {
            return (double) run.trainer.step().metrics().get("grad_norm");
        }
    }

    /** Means of self-certainty over the first and the last 5 of 30 steps, and of KL over the last 5. */
    private double[] selfCertaintyAndKl(String beta) {
        try (Run run = new Run(Map.of("beta", beta, "learning_rate", "3e-3", "num_generations", "8"))) {
            List<Map<String, Object>> steps = new ArrayList<>();
            for (int i = 0; i < 30; i++) {
                steps.add(run.trainer.step().metrics());
            }
            return new double[] {mean(steps.subList(0, 5), "self_certainty/mean"),
                    mean(steps.subList(25, 30), "self_certainty/mean"),
                mean(steps.subList(25, 30), "kl")};
        }
    }

    private static double mean(List<Map<String, Object>> steps, String name) {
        return steps.stream().mapToDouble(m -> (double) m.get(name)).average().orElseThrow();
    }

    /** A trainer on the tiny model. */
    private final class Run implements AutoCloseable {

        final TrainingWeights policy = TinyBase.weights(device, MODEL, DType.F32, "policy");
        final GrpoConfig config;
        final GrpoTrainer trainer;
        final ParameterSet base;
        final Transformer model = new Transformer(device, policy.working());

        Run(Map<String, String> settings) {
            Map<String, String> all = new TreeMap<>(SETTINGS);
            all.putAll(settings);
            config = GrpoConfigTest.config(all);
            base = config.needsReference() ? TinyBase.weights(device, MODEL, DType.F32, "base").working()
                    : null;
            Decoding decoding = new Decoding(new Sampling(config.temperature(), 0, 1, 0, MODEL.vocabSize(), 5),
                    config.maxCompletionLength(), STOP, 1);
            trainer = new GrpoTrainer(device, config, policy, base, new PromptStream<>(prompts, true, 5), decoding,
                    Arrays::toString, 100, new StopSignal());
        }

        float[] policy() {
            return values(policy.master());
        }

        float[] reference() {
            return values(base);
        }

        private float[] values(ParameterSet of) {
            float[] values = new float[(int) of.flat().size()];
            device.download(values, of.flat());
            return values;
        }

        /** The step's loss with logp_old fixed to what the unmoved policy says, at policy + h * direction. */
        double lossAt(float[] origin, float[] direction, double h, StepResult r) {
            float[] moved = new float[origin.length];
            for (int i = 0; i < origin.length; i++) {
                moved[i] = (float) (origin[i] + h * direction[i]);
            }
            device.upload(policy.master().flat(), moved);
            policy.update();
            GrpoLoss loss = GrpoLoss.of(config);
            int[] lengths = r.completions().stream().mapToInt(Completion::length).toArray();
            double[] weights = config.lossType().weights(lengths, config.maxCompletionLength(), 0);
            double total = 0;
            int token = 0;
            int completion = 0;
            for (int g = 0; g < r.groups().size(); g++) {
                Group group = r.groups().get(g);
                float[] logprobs = logprobs(group);
                int t = 0;
                for (int i = 0; i < group.completions().size(); i++) {
                    for (int n = 0; n < group.completions().get(i).length(); n++) {
                        // in the first step the old policy and the reference are one
                        double old = r.first().logprobs()[token];
                        total += weights[completion] * (loss.kl(logprobs[t], old)
                                + loss.policy(logprobs[t] - old, logprobs[t], r.advantages().values()[g][i]));
                        t++;
                        token++;
                    }
                    completion++;
                }
            }
            return total;
        }

        private float[] logprobs(Group group) {
            PackedBatch batch = PackedBatch.builder()
                    .group(group.prompt(), group.completions().stream().map(Completion::tokens).toList()).build();
            TokenStats stats = new TokenStats(new float[batch.scored()], null, null);
            try (Arena scratch = device.arena("scratch")) {
                new LmHead(device, policy.working()).score(model.forward(batch, scratch), batch.scoredRows(),
                        batch.targets(), 1, 1, stats, scratch);
            }
            return stats.logprob();
        }

        @Override
        public void close() {
            trainer.close();
            model.close();
        }
    }
}
