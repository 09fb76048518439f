package intuitor.train;

import intuitor.device.Arena;
import intuitor.device.Tensor;
import intuitor.model.Activations;
import intuitor.model.LmHead;
import intuitor.model.PackedBatch;
import intuitor.model.PackedWeights;
import intuitor.model.ParameterSet;
import intuitor.model.TrainingWeights;
import intuitor.model.Transformer;
import intuitor.optim.AdamW;
import intuitor.optim.GradientClipping;
import intuitor.optim.LearningRate;
import intuitor.rollout.Group;
import java.util.List;

/** Makes one optimiser update from completions and a loss: gradients, part after part, clipping, AdamW. */
final class PolicyUpdater {

    /** A run goes on with its own settings only, so another learning rate takes a new run. */
    private static final String WAY_OUT = "start a new run from an earlier checkpoint (the reference is then that "
            + "one): train --model RUN/checkpoint-N --learning-rate, with a lower one";

    private final GrpoConfig config;
    private final TrainingWeights policy;
    private final Transformer model;
    private final LmHead head;
    private final Arena scratch;
    private final ParameterSet gradients;
    private final AdamW optimizer;
    private final LearningRate learningRate;
    private double learningRateFactor = 1;

    /**
     * @param policy  trained in place
     * @param model   of the policy's working weights
     * @param memory  holds gradients and moments
     * @param scratch holds activations during a call
     * @param updates of the whole run, for the learning rate
     */
    PolicyUpdater(GrpoConfig config, TrainingWeights policy, Transformer model, Arena memory, Arena scratch,
                  int updates) {
        this.config = config;
        this.policy = policy;
        this.model = model;
        this.head = new LmHead(memory.device(), policy.working());
        this.scratch = scratch;
        this.gradients = policy.master().gradients(memory);
        this.optimizer = new AdamW(memory, policy.master().flat(), WeightDecay.ranges(policy.config()),
                new AdamW.Settings(config.adamBeta1(), config.adamBeta2(), config.adamEpsilon(), config.weightDecay()));
        this.learningRate = LearningRate.of(config.lrSchedulerType(), config.learningRate(), config.warmupRatio(),
                updates);
    }

    /**
     * Moves the policy along the gradient of the loss.
     *
     * @param step for the message where the gradient is not finite; 1 for the first
     * @param parts where it ends the call, the policy is as it was
     */
    PolicyUpdate update(List<Group> groups, GrpoObjective objective, long step, PartListener parts) {
        gradients.zero();
        try (Arena call = scratch.scope("update")) {
            PackedWeights packed = config.batchInvariant() ? policy.working().packed(call) : null;
            List<MicroBatch> split = MicroBatch.split(groups, config.tokensAtOnce(), sharesPrompts());
            for (int i = 0; i < split.size(); i++) {
                parts.before(i, split.size());
                accumulate(split.get(i), objective, packed, call);
            }
        }
        double gradientNorm = GradientClipping.norm(gradients.flat(), scratch);
        Divergence.requireFinite(gradientNorm, step, WAY_OUT);
        double rate = learningRateFactor * learningRate.at((int) optimizer.steps());
        optimizer.step(gradients.flat(), rate, GradientClipping.scale(gradientNorm, config.maxGradNorm()));
        policy.update();
        return new PolicyUpdate(objective, gradientNorm, rate);
    }

    /** Forward and backward pass of a part of the step's completions; their gradients are added up. */
    private void accumulate(MicroBatch part, GrpoObjective objective, PackedWeights packed, Arena call) {
        PackedBatch batch = part.batch();
        try (Arena scope = call.scope("micro-batch")) {
            Activations activations = model.forwardForTraining(batch, keep(), packed, scope);
            Tensor hidden = activations.hidden();
            Tensor dHidden = scope.zeros("d hidden", hidden.dtype(), hidden.shape());
            head.scoreAndBackward(hidden, dHidden, batch.scoredRows(), batch.targets(), config.temperature(),
                    packed, objective.from(part.firstToken()), gradients, scope);
            model.backward(activations, dHidden, gradients, scope);
        }
    }

    private boolean sharesPrompts() {
        return scratch.device().attention().sharesPrefixes();
    }

    private Activations.Keep keep() {
        return config.gradientCheckpointing() ? Activations.Keep.LAYER_INPUTS : Activations.Keep.ALL;
    }

    /** Its moments and number of updates are, with the policy, the state of a run. */
    AdamW optimizer() {
        return optimizer;
    }

    /** From the next update on, multiplies the scheduled learning rate. */
    void scaleLearningRate(double factor) {
        learningRateFactor = factor;
    }
}
