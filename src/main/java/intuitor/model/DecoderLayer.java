package intuitor.model;

import intuitor.device.Arena;
import intuitor.device.Device;
import intuitor.device.Tensor;

/**
 * One pre-norm layer of the decoder on the residual stream x:
 *
 * <pre>
 *   x = x + attention(norm(x))
 *   x = x + mlp(norm(x))
 * </pre>
 *
 * The additions are done by the norm that follows, so that they cost no pass over memory of their own. Between two
 * norms a single [T,H] buffer, {@code flow}, is in turn the norm's output, the block's input and the block's output.
 */
final class DecoderLayer {

    private final RmsNorm inputNorm;
    private final Attention attention;
    private final RmsNorm postAttentionNorm;
    private final Mlp mlp;
    private final int layer;

    DecoderLayer(Device device, ModelConfig config, LayerParameters parameters, int layer) {
        inputNorm = new RmsNorm(device.kernels(), parameters.inputNorm(), config.rmsNormEps());
        attention = new Attention(device, config, parameters, layer);
        postAttentionNorm = new RmsNorm(device.kernels(), parameters.postAttentionNorm(), config.rmsNormEps());
        mlp = new Mlp(device, config, parameters);
        this.layer = layer;
    }

    /**
     * Computes the layer; its output is a.middle + flow.
     *
     * @param residual the residual stream that the layer before left, without that layer's last output
     * @param pending  that output, still to be added: flow, or null before the first layer, whose input is a.input
     * @param flow     [T,H], receives the feed-forward layer's output
     */
    void forward(Tensor residual, Tensor pending, Tensor flow, LayerActivations a, Pass pass, Arena scratch) {
        upToGateUp(residual, pending, flow, a, pass, scratch);
        mlp.down(flow, a, pass.packed(layer), scratch);
    }

    /** Computes the activations again from a.input, which is all that was kept; flow is overwritten. */
    void recompute(Tensor flow, LayerActivations a, Pass pass, Arena scratch) {
        upToGateUp(a.input(), null, flow, a, pass, scratch);
    }

    private void upToGateUp(Tensor residual, Tensor pending, Tensor flow, LayerActivations a, Pass pass,
            Arena scratch) {
        inputNorm.addAndNormalise(flow, a.inputRstd(), a.input(), residual, pending);
        attention.forward(flow, a, pass, scratch);
        postAttentionNorm.addAndNormalise(flow, a.middleRstd(), a.middle(), a.input(), flow);
        mlp.gateUp(a, flow, pass.packed(layer));
    }

    /**
     * @param dResidual [T,H], gradient of the layer's output on entry and of its input on return
     * @param grads     += the gradients of the layer's parameters
     */
    void backward(Tensor dResidual, LayerActivations a, LayerParameters grads, Pass pass, Arena scratch) {
        try (Arena scope = scratch.scope("layer backward")) {
            // a block's input, then the gradient of it
            Tensor normed = scope.allocate("normed", dResidual.dtype(), dResidual.shape());
            postAttentionNorm.normalise(normed, a.middle());
            mlp.backward(dResidual, normed, a, grads, scope);
            postAttentionNorm.backward(dResidual, grads.postAttentionNorm(), normed, a.middle(), a.middleRstd());

            inputNorm.normalise(normed, a.input());
            attention.backward(dResidual, normed, a, grads, pass, scope);
            inputNorm.backward(dResidual, grads.inputNorm(), normed, a.input(), a.inputRstd());
        }
    }
}
