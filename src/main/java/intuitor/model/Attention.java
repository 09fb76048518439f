package intuitor.model;

import intuitor.device.Arena;
import intuitor.device.Blas;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Kernels;
import intuitor.device.Tensor;
import intuitor.model.Pass.CacheUse;
import intuitor.model.Pass.KeysFrom;

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
    private final Blas blas;
    private final ModelConfig c;
    private final LayerParameters w;
    private final int layer;

    Attention(Device device, ModelConfig config, LayerParameters parameters, int layer) {
        this.kernels = device.kernels();
        this.blas = device.blas();
        this.c = config;
        this.w = parameters;
        this.layer = layer;
    }

    /** flow [T,H] holds the normalised input on entry and the output on return. */
    void forward(Tensor flow, LayerActivations a, Pass pass) {
        blas.gemm(a.projection(), flow, false, w.qkvProj(), true, false);
        kernels.qkvForward(a.qkv(), a.projection(), w.qkvBias(), w.queryNorm(), w.keyNorm(), c.rmsNormEps(), pass.rope(),
                pass.positions(), c.heads(), c.kvHeads(), c.headDim());
        attend(a, pass);
        blas.gemm(flow, a.attended(), false, w.outputProj(), true, false);
    }

    private void attend(LayerActivations a, Pass pass) {
        CacheUse use = pass.cache();
        if (use != null) {
            kernels.kvCacheWrite(use.cache().keys(layer), use.cache().values(layer), a.qkv(), use.rows(),
                    c.heads(), c.kvHeads(), c.headDim());
        }
        if (use != null && use.keysFrom() == KeysFrom.CACHE) {
            kernels.attentionDecode(a.attended(), a.qkv(), use.cache().keys(layer), use.cache().values(layer),
                    pass.segments(), c.heads(), c.kvHeads(), c.headDim());
        } else {
            kernels.attentionForward(a.attended(), a.lse(), a.qkv(), pass.segments(), c.heads(), c.kvHeads(), c.headDim());
        }
    }

    /**
     * @param dout  [T,H], gradient of the output
     * @param input [T,H], the normalised input again; overwritten by its gradient
     * @param grads += the gradients of the layer's attention parameters
     */
    void backward(Tensor dout, Tensor input, LayerActivations a, LayerParameters grads, Pass pass, Arena scratch) {
        try (Arena scope = scratch.scope("attention backward")) {
            Tensor dAttended = scope.allocate("d attended", DType.F32, pass.rows(), c.queryWidth());
            blas.gemm(dAttended, dout, false, w.outputProj(), false, false);
            blas.gemm(grads.outputProj(), dout, true, a.attended(), false, true);

            Tensor dQkv = scope.allocate("d qkv", DType.F32, pass.rows(), c.qkvWidth());
            Tensor delta = scope.allocate("attention delta", DType.F32, pass.rows(), c.heads());
            kernels.attentionBackward(dQkv, delta, dAttended, a.qkv(), a.attended(), a.lse(), pass.segments(),
                    c.heads(), c.kvHeads(), c.headDim());
            kernels.qkvBackward(dQkv, grads.qkvBias(), grads.queryNorm(), grads.keyNorm(),
                    c.architecture().qkNorm() ? a.projection() : null, w.queryNorm(), w.keyNorm(), c.rmsNormEps(),
                    pass.rope(), pass.positions(), c.heads(), c.kvHeads(), c.headDim());

            blas.gemm(grads.qkvProj(), dQkv, true, input, false, true);
            blas.gemm(input, dQkv, false, w.qkvProj(), false, false);
        }
    }
}
