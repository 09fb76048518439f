package intuitor.train;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.model.ParameterSet;
import intuitor.model.TrainingWeights;
import intuitor.model.Transformer;
import intuitor.optim.AdamW;
import intuitor.reward.Rewards;
import intuitor.reward.Scores;
import intuitor.rollout.Completion;
import intuitor.rollout.Decoding;
import intuitor.rollout.Group;
import intuitor.rollout.Rollout;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Group Relative Policy Optimization (DeepSeekMath, arXiv 2402.03300) with the rewards of its settings, by default
 * self-certainty (Intuitor, arXiv 2505.19590). A step is a rollout and the {@code num_iterations} updates made from it.
 *
 * <p>The policy is trained in place; the reference, a copy of the base model, is only read, unless sync_ref_model moves
 * it. Everything random depends on the seed and the step, so the state of a run is the policy, the optimiser, a moved
 * reference and the number of steps made.
 */
public final class GrpoTrainer implements AutoCloseable {

    private final GrpoConfig config;
    private final PromptStream<EncodedPrompt> prompts;
    private final Decoding decoding;
    private final StopSignal stop;

    private final Transformer model;
    private final Rollout rollout;
    private final Rollout exactRollout;
    private final Scorer policyScorer;
    private final ReferencePolicy reference;

    private final Arena memory;
    /** Holds the cache while completions are drawn, and activations while the model learns from them. */
    private final Arena scratch;
    private final TrainingWeights policy;
    private final PolicyUpdater updater;
    private final Rewards rewards;
    private final Function<int[], String> decoder;
    private GrpoLoss loss;

    private long numTokens;

    /**
     * @param policy     trained in place
     * @param base       the reference, which sync_ref_model moves; null where {@link GrpoConfig#needsReference} says
     *                   that there is none
     * @param prompts    in the order in which they are seen
     * @param decoding   how completions are drawn
     * @param decoder    from tokens to text, for rewards that read it
     * @param totalSteps steps of the whole run, for the learning rate
     */
    GrpoTrainer(Device device, GrpoConfig config, TrainingWeights policy, ParameterSet base,
                PromptStream<EncodedPrompt> prompts, Decoding decoding, Function<int[], String> decoder,
                int totalSteps, StopSignal stop) {
        DType matrices = config.rolloutMatrices(device, policy.working().dtype()); // first: it may refuse
        this.config = config;
        this.prompts = prompts;
        this.decoding = decoding;
        this.decoder = decoder;
        this.stop = stop;
        this.memory = device.arena("gradients and moments");
        this.scratch = device.arena("rollout and training");
        this.policy = policy;
        this.model = new Transformer(device, policy.working());
        long cacheBytes = config.cacheBytes();
        this.rollout = new Rollout(scratch, model, arena -> policy.working().packed(arena, matrices), config.lmHead(),
                cacheBytes);
        this.exactRollout = new Rollout(scratch, model, config.lmHead(), cacheBytes);
        this.policyScorer = new Scorer(scratch, model, config);
        this.reference = config.needsReference() ? new ReferencePolicy(device, base, scratch, config) : null;
        this.updater = new PolicyUpdater(config, policy, model, memory, scratch, totalSteps * config.numIterations());
        this.loss = GrpoLoss.of(config);
        this.rewards = prepared(config.rewards()); // last: nobody else would close them
    }

    private static Rewards prepared(Rewards rewards) {
        try {
            rewards.prepare();
            return rewards;
        } catch (RuntimeException e) {
            try {
                rewards.close();
            } catch (RuntimeException second) {
                e.addSuppressed(second);
            }
            throw e;
        }
    }

    /**
     * One step: prompts, rollout, groups, reward, advantages, updates on the same groups, metrics. A {@link
     * intuitor.rollout.StopRequested} leaves the policy as it was before the step.
     */
    public StepResult step() {
        return step(StepProgress.NONE);
    }

    /** The same, telling how far it has come. */
    StepResult step(StepProgress progress) {
        long step = steps();
        Timings time = new Timings();

        List<EncodedPrompt> batch = prompts.batch(step * config.promptsPerStep(), config.promptsPerStep());
        List<Group> groups = rollout.generate(batch.stream().map(EncodedPrompt::tokens).toList(),
                config.numGenerations(), decoding, step, stop, new CountedTokens(decoding.stopStrings().listener(),
                        progress, config.tokensDrawn()));
        time.lap("rollout");

        PartListener scoring = (part, of) -> {
            StopSignal.poll(stop);
            progress.at(StepProgress.Phase.SCORING, part, of);
        };
        Scores scores = rewards.score(certaintyScored(groups, scoring),
                batch.stream().map(EncodedPrompt::answer).toList(), config.seed(), step, decoder);
        Advantages advantages = Advantages.of(scores, config.scaleRewards(), config.multiObjectiveAggregation());
        float[] referenceLogprobs = config.beta() > 0 ? reference.scorer().logprobs(groups, scoring) : null;
        time.lap("score");

        LossTokens tokens = LossTokens.of(completions(groups), advantages, referenceLogprobs, config);
        List<PolicyUpdate> updates = new ArrayList<>();
        while (updates.size() < config.numIterations()) {
            GrpoObjective objective = objective(tokens, groups, updates);
            boolean moved = !updates.isEmpty();
            updates.add(updater.update(groups, objective, step + 1, (part, of) -> {
                if (!moved) { // once the policy has moved, the step is finished: it cannot be left half done
                    StopSignal.poll(stop);
                }
                progress.at(StepProgress.Phase.TRAINING, part, of);
            }));
        }
        if (config.syncRefModel() && (step + 1) % config.refModelSyncSteps() == 0) {
            reference.mixIn(policy.master(), config.refModelMixupAlpha(), scratch);
        }
        memory.device().synchronize(); // what is queued belongs to this step's time, and so do its errors
        time.lap("train");

        numTokens += tokens(groups);
        return new StepResult((int) step + 1, (double) (step + 1) * config.promptsPerStep() / prompts.size(), groups,
                scores, advantages, updates, numTokens, time.seconds());
    }

    /** The groups with the self-certainty that is rewarded; the sampler's own, unless settings ask for another. */
    private List<Group> certaintyScored(List<Group> groups, PartListener parts) {
        if (config.certaintyModel() == GrpoConfig.CertaintyModel.REFERENCE) {
            return reference.scorer().certainty(groups, parts);
        }
        return config.positionOffset() == GrpoConfig.PositionOffset.LEGACY ? policyScorer.lateCertainty(groups, parts)
                : groups;
    }

    /** The loss of the first, second, ... update that is made from the same completions. */
    private GrpoObjective objective(LossTokens tokens, List<Group> groups, List<PolicyUpdate> before) {
        // in the first the policy is its own old policy; what it says there is what later ones are compared with
        float[] old = before.isEmpty() ? null : before.getFirst().objective().logprobs();
        if (config.importanceSamplingLevel() == GrpoConfig.ImportanceSamplingLevel.TOKEN) {
            return GrpoObjective.ofTokens(loss, tokens, old);
        }
        return GrpoObjective.ofSequences(loss, tokens, old,
                old == null ? null : policyScorer.logprobs(groups, PartListener.NONE));
    }

    private static List<Completion> completions(List<Group> groups) {
        return groups.stream().flatMap(g -> g.completions().stream()).toList();
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

    /** From the next step on, multiplies the scheduled learning rate and the settings' beta. */
    void adjust(double learningRateFactor, double betaFactor) {
        updater.scaleLearningRate(learningRateFactor);
        loss = GrpoLoss.of(config).withBeta(config.beta() * betaFactor);
    }

    /** Generation by the policy as it is, whatever training's completions are drawn with: what evaluation asks. */
    Rollout rollout() {
        return exactRollout;
    }

    /** Its moments and number of updates are, with the policy, the state of a run. */
    AdamW optimizer() {
        return updater.optimizer();
    }

    /** A reference that moves with the policy is part of a run's state, too; null where it does not move. */
    ParameterSet movingReference() {
        return config.syncRefModel() ? reference.weights() : null;
    }

    /** Steps made so far. */
    long steps() {
        return optimizer().steps() / config.numIterations();
    }

    /** Tokens seen so far ({@code num_tokens}). */
    long numTokens() {
        return numTokens;
    }

    /** Goes on from a state whose policy and moments are loaded. */
    void resumeAt(long steps, long tokens) {
        optimizer().resumeAt(steps * config.numIterations());
        numTokens = tokens;
    }

    @Override
    public void close() {
        scratch.close();
        memory.close();
        if (reference != null) {
            reference.close();
        }
        model.close();
        rewards.close(); // last: a user's may throw
    }
}
