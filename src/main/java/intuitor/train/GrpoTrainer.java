package intuitor.train;

import intuitor.device.Arena;
import intuitor.device.Device;
import intuitor.device.Tensor;
import intuitor.model.Activations;
import intuitor.model.LmHead;
import intuitor.model.PackedBatch;
import intuitor.model.ParameterSet;
import intuitor.model.TrainingWeights;
import intuitor.model.Transformer;
import intuitor.optim.AdamW;
import intuitor.optim.GradientClipping;
import intuitor.optim.LearningRate;
import intuitor.reward.Rewards;
import intuitor.reward.Scores;
import intuitor.rollout.Completion;
import intuitor.rollout.Decoding;
import intuitor.rollout.Group;
import intuitor.rollout.Rollout;
import intuitor.rollout.TokenListener;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * Group Relative Policy Optimization (DeepSeekMath, arXiv 2402.03300) with the rewards of its settings, by
 * default self-certainty (Intuitor, arXiv 2505.19590): one optimiser step a rollout.
 *
 * <p>The policy is trained in place; the reference, a copy of the base model, is only read. Everything random depends
 * on the seed and the step, so the state of a run is the policy, the optimiser and the number of steps made.
 */
public final class GrpoTrainer implements AutoCloseable {

    /** A run goes on with its own settings only, so another learning rate takes a new run. */
    private static final String WAY_OUT = "start a new run from an earlier checkpoint (the reference is then that "
            + "one): train --model RUN/checkpoint-N --learning-rate, with a lower one";

    private final GrpoConfig config;
    private final PromptStream<EncodedPrompt> prompts;
    private final Decoding decoding;
    private final StopSignal stop;

    private final Transformer model;
    private final LmHead head;
    private final Rollout rollout;
    private final Scorer policyScorer;
    private final Transformer referenceModel;
    private final Scorer reference;

    private final Arena memory;
    /** Holds the cache while completions are drawn, and activations while the model learns from them. */
    private final Arena scratch;
    private final TrainingWeights policy;
    private final ParameterSet gradients;
    private final AdamW optimizer;
    private final LearningRate learningRate;
    private final Rewards rewards;
    private final Function<int[], String> decoder;
    private final GrpoLoss loss;

    private long numTokens;

    /**
     * @param policy     trained in place
     * @param base       the frozen reference; null where {@link GrpoConfig#needsReference} says that there is none
     * @param prompts    in the order in which they are seen
     * @param decoding   how completions are drawn
     * @param decoder    from tokens to text, for rewards that read it
     * @param totalSteps steps of the whole run, for the learning rate
     */
    GrpoTrainer(Device device, GrpoConfig config, TrainingWeights policy, ParameterSet base,
                PromptStream<EncodedPrompt> prompts, Decoding decoding, Function<int[], String> decoder,
                int totalSteps, StopSignal stop) {
        this.config = config;
        this.prompts = prompts;
        this.decoding = decoding;
        this.decoder = decoder;
        this.rewards = config.rewards();
        this.stop = stop;
        this.memory = device.arena("gradients and moments");
        this.scratch = device.arena("rollout and training");
        this.policy = policy;
        this.model = new Transformer(device, policy.working());
        this.head = new LmHead(device, policy.working());
        this.rollout = new Rollout(scratch, model, (long) config.kvCacheMib() << 20);
        this.policyScorer = scorer(model);
        this.referenceModel = config.needsReference() ? new Transformer(device, base) : null;
        this.reference = config.needsReference() ? scorer(referenceModel) : null;
        this.gradients = policy.master().gradients(memory);
        this.optimizer = new AdamW(memory, policy.master().flat(), WeightDecay.ranges(policy.config()),
                new AdamW.Settings(config.adamBeta1(), config.adamBeta2(), config.adamEpsilon(), config.weightDecay()));
        this.learningRate = LearningRate.of(config.lrSchedulerType(), config.learningRate(), config.warmupRatio(),
                totalSteps);
        this.loss = new GrpoLoss(config.epsilon(), config.beta());
    }

    /**
     * One step: prompts, rollout, groups, reward, advantages, loss and gradients on the same groups, optimiser,
     * metrics. A {@link intuitor.rollout.StopRequested} leaves the policy as it was before the step.
     */
    public StepResult step() {
        long step = optimizer.steps();
        Timings time = new Timings();

        List<EncodedPrompt> batch = prompts.batch(step * config.promptsPerStep(), config.promptsPerStep());
        List<Group> groups = rollout.generate(batch.stream().map(EncodedPrompt::tokens).toList(),
                config.numGenerations(), decoding, step, stop, TokenListener.NONE);
        time.lap("rollout");

        Scores scores = rewards.score(certaintyScored(groups), batch.stream().map(EncodedPrompt::answer).toList(),
                config.seed(), step, decoder);
        Advantages advantages = Advantages.of(scores, config.scaleRewards());
        float[] referenceLogprobs = config.beta() > 0 ? reference.logprobs(groups, stop) : null;
        time.lap("score");

        GrpoObjective objective = objective(groups, advantages, referenceLogprobs);
        gradients.zero();
        for (MicroBatch part : MicroBatch.split(groups, config.microBatchTokens(), sharesPrompts())) {
            StopSignal.poll(stop);
            accumulate(part, objective);
        }
        double gradientNorm = GradientClipping.norm(gradients.flat(), scratch);
        Divergence.requireFinite(gradientNorm, step + 1, WAY_OUT);
        double rate = learningRate.at((int) step);
        optimizer.step(gradients.flat(), rate, GradientClipping.scale(gradientNorm, config.maxGradNorm()));
        policy.update();
        memory.device().synchronize(); // what is queued belongs to this step's time, and so do its errors
        time.lap("train");

        numTokens += tokens(groups);
        return new StepResult((int) step + 1, (double) (step + 1) * config.promptsPerStep() / prompts.size(), groups,
                scores, advantages, objective, gradientNorm, rate, numTokens, time.seconds());
    }

    private boolean sharesPrompts() {
        return memory.device().attention().sharesPrefixes();
    }

    /** Forward and backward pass of a part of the step's completions; their gradients are added up. */
    private void accumulate(MicroBatch part, GrpoObjective objective) {
        PackedBatch batch = part.batch();
        try (Arena scope = scratch.scope("micro-batch")) {
            Activations activations = model.forwardForTraining(batch, keep(), scope);
            Tensor hidden = activations.hidden();
            Tensor dHidden = scope.zeros("d hidden", hidden.dtype(), hidden.shape());
            head.scoreAndBackward(hidden, dHidden, batch.scoredRows(), batch.targets(), config.temperature(),
                    objective.from(part.firstToken()), gradients, scope);
            model.backward(activations, dHidden, gradients, scope);
        }
    }

    /** The groups with the self-certainty that is rewarded; the sampler's own, unless settings ask for another. */
    private List<Group> certaintyScored(List<Group> groups) {
        if (config.certaintyModel() == GrpoConfig.CertaintyModel.REFERENCE) {
            return reference.certainty(groups, stop);
        }
        return config.positionOffset() == GrpoConfig.PositionOffset.LEGACY ? policyScorer.lateCertainty(groups, stop)
                : groups;
    }

    private GrpoObjective objective(List<Group> groups, Advantages advantages, float[] referenceLogprobs) {
        List<Completion> completions = groups.stream().flatMap(g -> g.completions().stream()).toList();
        double[] weights = config.lossType().weights(completions.stream().mapToInt(Completion::length).toArray(),
                config.maxCompletionLength(), config.perDeviceTrainBatchSize());
        double[] flat = Arrays.stream(advantages.values()).flatMapToDouble(Arrays::stream).toArray();
        return new GrpoObjective(loss, completions, flat, weights, referenceLogprobs);
    }

    private Activations.Keep keep() {
        return config.gradientCheckpointing() ? Activations.Keep.LAYER_INPUTS : Activations.Keep.ALL;
    }

    private Scorer scorer(Transformer of) {
        return new Scorer(scratch, of, config.microBatchTokens(), config.temperature(), config.certaintyTemperature());
    }

    /** Tokens that the model has read or written, a prompt counted for each of its completions, as TRL counts. */
    private static long tokens(List<Group> groups) {
        long sum = 0;
        for (Group group : groups) {
            for (Completion completion : group.completions()) {
                sum += group.prompt().length + completion.length();
            }
        }
        return sum;
    }

    /** The generator of completions, which evaluation uses too. */
    Rollout rollout() {
        return rollout;
    }

    /** Its moments and number of steps are, with the policy, the state of a run. */
    AdamW optimizer() {
        return optimizer;
    }

    /** Tokens seen so far ({@code num_tokens}). */
    long numTokens() {
        return numTokens;
    }

    /** Goes on from a state whose policy and moments are loaded. */
    void resumeAt(long steps, long tokens) {
        optimizer.resumeAt(steps);
        numTokens = tokens;
    }

    @Override
    public void close() {
        scratch.close();
        memory.close();
        if (referenceModel != null) {
            referenceModel.close();
        }
        model.close();
    }
}
