package intuitor.model;

import intuitor.device.Kernels;
import intuitor.device.Tensor;

/** Root-mean-square normalisation (Zhang and Sennrich 2019): y = x / sqrt(mean(x^2) + eps) * gain. */
final class RmsNorm {

    private final Kernels kernels;
    private final Tensor gain;
    private final double eps;

    RmsNorm(Kernels kernels, Tensor gain, double eps) {
        this.kernels = kernels;
        this.gain = gain;
        this.eps = eps;
    }

    /**
     * Adds a block's output to the residual stream and normalises the sum: sum = x + delta, out = norm(sum).
     *
     * @param out   [T,H], may be delta itself
     * @param rstd  fp32 [T] for the backward pass, or null
     * @param sum   [T,H], may be x itself; with no delta it is x
     * @param x     [T,H], the residual stream
     * @param delta [T,H], or null: nothing to add
     */
    void addAndNormalise(Tensor out, Tensor rstd, Tensor sum, Tensor x, Tensor delta) {
        kernels.rmsNormForward(out, rstd, delta == null ? null : sum, x, delta, gain, eps);
    }

    /** out = norm(x), once more: the same bits as in the forward pass. */
    void normalise(Tensor out, Tensor x) {
        kernels.rmsNormForward(out, null, null, x, null, gain, eps);
    }

    /** dx += (d out / d x) dout; dGain += its gradient. */
    void backward(Tensor dx, Tensor dGain, Tensor dout, Tensor x, Tensor rstd) {
        kernels.rmsNormBackward(dx, dGain, dout, x, gain, rstd);
    }
}
