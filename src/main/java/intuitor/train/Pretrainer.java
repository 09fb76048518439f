package intuitor.train;

import intuitor.device.Arena;
import intuitor.device.Device;
import intuitor.device.Tensor;
import intuitor.model.Activations;
import intuitor.model.LmHead;
import intuitor.model.PackedBatch;
import intuitor.model.ParameterSet;
import intuitor.model.TokenObjective;
import intuitor.model.TrainingWeights;
import intuitor.model.Transformer;
import intuitor.optim.AdamW;
import intuitor.optim.GradientClipping;
import intuitor.optim.LearningRate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;

/**
 * Next-token training: every document is a sequence of its own, the loss is the mean of -log p over all scored tokens
 * of a step.
 */
public final class Pretrainer {

    /**
     * What one step did.
     *
     * @param step         1 for the first
     * @param loss         mean cross-entropy of the step's tokens, in nats
     * @param gradNorm     before clipping
     * @param learningRate of the step
     * @param tokens       tokens trained on so far
     */
    public record Step(int step, double loss, double gradNorm, double learningRate, long tokens) { }

    private final PretrainConfig config;
    private final TrainingWeights weights;
    private final Arena scratch;
    private final Transformer model;
    private final LmHead head;
    private final ParameterSet gradients;
    private final AdamW optimizer;

    /** @param arena owns the gradients, the optimiser's moments and the scratch memory of every step */
    Pretrainer(Arena arena, TrainingWeights weights, PretrainConfig config) {
        Device device = arena.device();
        this.config = config;
        this.weights = weights;
        this.model = new Transformer(device, weights.working());
        this.head = new LmHead(device, weights.working());
        this.gradients = weights.master().gradients(arena);
        this.optimizer = new AdamW(arena, weights.master().flat(), WeightDecay.ranges(weights.config()),
                new AdamW.Settings(config.adamBeta1(), config.adamBeta2(), config.adamEpsilon(), config.weightDecay()));
        this.scratch = arena.scope("step");
    }

    /** Trains for {@code max_steps} on documents (token ids, at least two each), telling the listener of every step. */
    void train(Iterator<int[]> documents, Consumer<Step> listener) {
        LearningRate schedule = LearningRate.of(config.lrSchedulerType(), config.learningRate(), config.warmupRatio(),
                config.maxSteps());
        long seen = 0;
        for (int step = 0; step < config.maxSteps(); step++) {
            List<PackedBatch> batches = batches(documents);
            int tokens = batches.stream().mapToInt(PackedBatch::scored).sum();
            gradients.zero();
            double loss = 0;
            for (PackedBatch batch : batches) {
                loss += forwardBackward(batch, tokens);
            }
            double norm = GradientClipping.norm(gradients.flat(), scratch);
            Divergence.requireFinite(norm, step + 1, "try a lower --learning-rate");
            double rate = schedule.at(step);
            optimizer.step(gradients.flat(), rate, GradientClipping.scale(norm, config.maxGradNorm()));
            weights.update();
            seen += tokens;
            listener.accept(new Step(step + 1, loss, norm, rate, seen));
        }
    }

    /** Whole documents until a step's tokens are there, packed into micro-batches. */
    private List<PackedBatch> batches(Iterator<int[]> documents) {
        List<PackedBatch> batches = new ArrayList<>();
        PackedBatch.Builder builder = PackedBatch.builder();
        for (int tokens = 0; tokens < config.tokensPerStep();) {
            int[] document = documents.next();
            tokens += document.length - 1;
            builder.sequence(document);
            if (builder.rows() >= config.microBatchTokens()) {
                batches.add(builder.build());
                builder = PackedBatch.builder();
            }
        }
        if (builder.rows() > 0) {
            batches.add(builder.build());
        }
        return batches;
    }

    /** Adds the batch's gradient of the step's mean loss; returns the batch's part of that loss. */
    private double forwardBackward(PackedBatch batch, int tokensOfStep) {
        try (Arena scope = scratch.scope("micro-batch")) {
            Activations activations = model.forwardForTraining(batch, Activations.Keep.ALL, scope);
            Tensor hidden = activations.hidden();
            Tensor dHidden = scope.zeros("dHidden", hidden.dtype(), hidden.shape());
            double[] sum = new double[1];
            TokenObjective crossEntropy = (from, to, logprob, coefficient) -> {
                Arrays.fill(coefficient, -1f / tokensOfStep);
                for (float x : logprob) {
                    sum[0] -= x;
                }
            };
            head.scoreAndBackward(hidden, dHidden, batch.scoredRows(), batch.targets(), 1, crossEntropy, gradients,
                    scope);
            model.backward(activations, dHidden, gradients, scope);
            return sum[0] / tokensOfStep;
        }
    }
}
