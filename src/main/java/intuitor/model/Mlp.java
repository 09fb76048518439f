package intuitor.model;

import intuitor.device.Arena;
import intuitor.device.Blas;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Kernels;
import intuitor.device.Tensor;

/** The gated feed-forward layer, SwiGLU (Shazeer 2020): out = (silu(x Wg^T) * (x Wu^T)) Wd^T, with Wg and Wu fused. */
final class Mlp {

    private final Kernels kernels;
    private final Blas blas;
    private final ModelConfig c;
    private final LayerParameters w;

    Mlp(Device device, ModelConfig config, LayerParameters parameters) {
        this.kernels = device.kernels();
        this.blas = device.blas();
        this.c = config;
        this.w = parameters;
    }

    /** First half: gate and up of the normalised input [T,H]. */
    void gateUp(LayerActivations a, Tensor input) {
        blas.gemm(a.gateUp(), input, false, w.gateUpProj(), true, false);
    }

    /** Second half: out [T,H]. */
    void down(Tensor out, LayerActivations a, Arena scratch) {
        try (Arena scope = scratch.scope("mlp")) {
            Tensor activated = scope.allocate("activated", DType.F32, out.dim(0), c.intermediateSize());
            kernels.swigluForward(activated, a.gateUp());
            blas.gemm(out, activated, false, w.downProj(), true, false);
        }
    }

    /**
     * @param dout  [T,H], gradient of the output
     * @param input [T,H], the normalised input again; overwritten by its gradient
     * @param a     gateUp is overwritten by its gradient
     * @param grads += the gradients of the layer's feed-forward parameters
     */
    void backward(Tensor dout, Tensor input, LayerActivations a, LayerParameters grads, Arena scratch) {
        try (Arena scope = scratch.scope("mlp backward")) {
            Tensor activated = scope.allocate("activated", DType.F32, dout.dim(0), c.intermediateSize());
            Tensor dActivated = scope.allocate("d activated", DType.F32, dout.dim(0), c.intermediateSize());
            blas.gemm(dActivated, dout, false, w.downProj(), false, false);
            kernels.swigluBackward(a.gateUp(), activated, dActivated);
            blas.gemm(grads.downProj(), dout, true, activated, false, true);
        }
        blas.gemm(grads.gateUpProj(), a.gateUp(), true, input, false, true);
        blas.gemm(input, a.gateUp(), false, w.gateUpProj(), false, false);
    }
}
