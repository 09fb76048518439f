package intuitor.optim;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Kernels;
import intuitor.device.Tensor;
import java.util.List;

/**
 * AdamW (Loshchilov and Hutter 2019) over one flat fp32 buffer of parameters, as torch.optim.AdamW computes it. Weight
 * decay acts on the given ranges only: matrices, not norms and biases.
 */
public final class AdamW {

    /**
     * @param beta1       decay of the mean of the gradient
     * @param beta2       decay of the mean of its square
     * @param epsilon     term against division by zero
     * @param weightDecay decoupled weight decay
     */
    public record Settings(double beta1, double beta2, double epsilon, double weightDecay) { }

    /** Elements [from, from + size) of the flat buffer. */
    public record Range(long from, long size) { }

    private final Kernels kernels;
    private final Settings settings;
    private final List<Range> decayed;
    private final Tensor parameters;
    private final Tensor mean;
    private final Tensor meanSquare;
    private long steps;
    private long momentUpdates; // fewer than steps where the moments are those of an earlier step

    /**
     * @param arena      owns the two moments: as much memory as the parameters, twice
     * @param parameters [n]
     * @param decayed    ranges that weight decay acts on, in ascending order
     */
    public AdamW(Arena arena, Tensor parameters, List<Range> decayed, Settings settings) {
        this.kernels = arena.device().kernels();
        this.settings = settings;
        this.decayed = List.copyOf(decayed);
        this.parameters = parameters;
        this.mean = arena.zeros("exp_avg", DType.F32, parameters.size());
        this.meanSquare = arena.zeros("exp_avg_sq", DType.F32, parameters.size());
    }

    /**
     * One update.
     *
     * @param gradients     [n]
     * @param learningRate  of this update
     * @param gradientScale multiplies the gradients: {@link GradientClipping#scale}
     */
    public void step(Tensor gradients, double learningRate, double gradientScale) {
        steps++;
        momentUpdates++;
        if (settings.weightDecay() == 0) {
            update(gradients, 0, parameters.size(), learningRate, gradientScale, 0);
            return;
        }
        long end = 0;
        for (Range range : decayed) {
            update(gradients, end, range.from() - end, learningRate, gradientScale, 0);
            update(gradients, range.from(), range.size(), learningRate, gradientScale, settings.weightDecay());
            end = range.from() + range.size();
        }
        update(gradients, end, parameters.size() - end, learningRate, gradientScale, 0);
    }

    private void update(Tensor gradients, long from, long size, double learningRate, double gradientScale,
            double decay) {
        if (size > 0) {
            kernels.adamw(parameters.slice(from, size), gradients.slice(from, size), mean.slice(from, size),
                    meanSquare.slice(from, size), learningRate, settings.beta1(), settings.beta2(), settings.epsilon(),
                    decay, gradientScale, momentUpdates);
        }
    }

    /** Running mean of the gradient [n], torch's {@code exp_avg}. */
    public Tensor mean() {
        return mean;
    }

    /** Running mean of the gradient's square [n], torch's {@code exp_avg_sq}. */
    public Tensor meanSquare() {
        return meanSquare;
    }

    /** Updates made so far. */
    public long steps() {
        return steps;
    }

    /** Updates that the moments come from: what their bias, they began with zeros, is corrected by. */
    public long momentUpdates() {
        return momentUpdates;
    }

    /** {@link #mean} and {@link #meanSquare} were filled with moments of this many updates. */
    public void momentsOf(long updates) {
        momentUpdates = updates;
    }

    /** Takes up a run at this number of updates. */
    public void resumeAt(long steps) {
        this.steps = steps;
    }
}
