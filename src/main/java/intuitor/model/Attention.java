package intuitor.model;

import intuitor.device.Arena;
import intuitor.device.Device;
import intuitor.device.Kernels;
import intuitor.device.Tensor;
import intuitor.model.Pass.CacheUse;

/**
 * Grouped-query self-attention with rotary positions, between the two projections:
 *
 * <pre>
 *   qkv      = rope(norm(x Wqkv^T + b))        (norm: Qwen3 only; b: Qwen2 only)
 *   attended = softmax(q k^T / sqrt(D)) v      (causal, within the row's segment)
 *   out      = attended Wo^T
 * </pre>
 */
final class Attention {

    private final Kernels kernels;
    private final Device device;
    private final ModelConfig c;
    private final LayerParameters w;
    private final Linear qkvProj;
    private final Linear outputProj;
    private final int layer;

    Attention(Device device, ModelConfig config, LayerParameters parameters, int layer) {
        this.device = device;
        this.kernels = device.kernels();
        this.c = config;
        this.w = parameters;
        this.qkvProj = new Linear(device.blas(), parameters.qkvProj());
        this.outputProj = new Linear(device.blas(), parameters.outputProj());
        this.layer = layer;
    }

    /** flow [T,H] holds the normalised input on entry and the output on return. */
    void forward(Tensor flow, LayerActivations a, Pass pass, Arena scratch) {
        qkvProj.forward(a.projection(), flow, pass.packed(layer).qkvProj());
        kernels.qkvForward(a.qkv(), a.projection(), w.qkvBias(), w.queryNorm(), w.keyNorm(), c.rmsNormEps(),
                pass.rope(), pass.positions(), c.heads(), c.kvHeads(), c.headDim());
        attend(a, pass, scratch);
        outputProj.forward(flow, a.attended(), pass.packed(layer).outputProj());
    }

    private void attend(LayerActivations a, Pass pass, Arena scratch) {
        CacheUse use = pass.cache();
        if (use == null) {
            device.attention().forward(a.attended(), a.lse(), a.qkv(), pass.segments(), c.heads(), c.kvHeads(),
                    c.headDim(), scratch);
            return;
        }
        Tensor keys = use.cache().keys(layer);
        Tensor values = use.cache().values(layer);
        Tensor qkv = a.qkv().rows(0, use.rows().size());
        Tensor attended = a.attended().rows(0, use.rows().size());
        kernels.kvCacheWrite(keys, values, qkv, use.rows(), c.heads(), c.kvHeads(), c.headDim());
        if (use.pages() != null) {
            kernels.attentionDecode(attended, qkv, keys, values, pass.segments(), use.pages(), c.heads(), c.kvHeads(),
                    c.headDim());
        } else if (pass.segments().starts() == null) {
            // completions that go on after their prompt: not every implementation shares prefixes
            kernels.attentionForward(attended, null, qkv, pass.segments(), c.heads(), c.kvHeads(), c.headDim());
        } else {
            device.attention().forward(attended, null, qkv, pass.segments(), c.heads(), c.kvHeads(), c.headDim(),
                    scratch);
        }
    }

    /**
     * @param dout  [T,H], gradient of the output
     * @param input [T,H], the normalised input again; overwritten by its gradient
     * @param grads += the gradients of the layer's attention parameters
     */
    void backward(Tensor dout, Tensor input, LayerActivations a, LayerParameters grads, Pass pass, Arena scratch) {
        try (Arena scope = scratch.scope("attention backward")) {
            Tensor dAttended = scope.allocate("d attended", dout.dtype(), pass.rows(), c.queryWidth());
            outputProj.backward(dAttended, dout);
            outputProj.addGradient(grads.outputProj(), dout, a.attended());

            Tensor dQkv = scope.allocate("d qkv", dout.dtype(), pass.rows(), c.qkvWidth());
            device.attention().backward(dQkv, dAttended, a.qkv(), a.attended(), a.lse(), pass.segments(), c.heads(),
                    c.kvHeads(), c.headDim(), scope);
            kernels.qkvBackward(dQkv, grads.qkvBias(), grads.queryNorm(), grads.keyNorm(),
                    c.architecture().qkNorm() ? a.projection() : null, w.queryNorm(), w.keyNorm(), c.rmsNormEps(),
                    pass.rope(), pass.positions(), c.heads(), c.kvHeads(), c.headDim());

            qkvProj.addGradient(grads.qkvProj(), dQkv, input);
            qkvProj.backward(input, dQkv);
        }
    }
}
