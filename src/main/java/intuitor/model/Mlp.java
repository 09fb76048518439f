package intuitor.model;

import intuitor.device.Arena;
import intuitor.device.Device;
import intuitor.device.Kernels;
import intuitor.device.Tensor;

/** The gated feed-forward layer, SwiGLU (Shazeer 2020): out = (silu(x Wg^T) * (x Wu^T)) Wd^T, with Wg and Wu fused. */
final class Mlp {

    private final Kernels kernels;
    private final ModelConfig c;
    private final Linear gateUpProj;
    private final Linear downProj;

    Mlp(Device device, ModelConfig config, LayerParameters parameters) {
        this.kernels = device.kernels();
        this.c = config;
        this.gateUpProj = new Linear(device.blas(), parameters.gateUpProj());
        this.downProj = new Linear(device.blas(), parameters.downProj());
    }

    /** First half: gate and up of the normalised input [T,H]. */
    void gateUp(LayerActivations a, Tensor input, PackedWeights.Layer packed) {
        gateUpProj.forward(a.gateUp(), input, packed.gateUpProj());
    }

    /** Second half: out [T,H]. */
    void down(Tensor out, LayerActivations a, PackedWeights.Layer packed, Arena scratch) {
        try (Arena scope = scratch.scope("mlp")) {
            Tensor activated = scope.allocate("activated", out.dtype(), out.dim(0), c.intermediateSize());
            kernels.swigluForward(activated, a.gateUp());
            downProj.forward(out, activated, packed.downProj());
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
            Tensor activated = scope.allocate("activated", dout.dtype(), dout.dim(0), c.intermediateSize());
            Tensor dActivated = scope.allocate("d activated", dout.dtype(), dout.dim(0), c.intermediateSize());
            downProj.backward(dActivated, dout);
            kernels.swigluBackward(a.gateUp(), activated, dActivated);
            downProj.addGradient(grads.downProj(), dout, activated);
        }
        gateUpProj.addGradient(grads.gateUpProj(), a.gateUp(), input);
        gateUpProj.backward(input, a.gateUp());
    }
}
