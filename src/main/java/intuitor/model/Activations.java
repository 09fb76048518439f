package intuitor.model;

import intuitor.device.Tensor;
import java.util.List;

/**
 * What {@link Transformer#forwardForTraining} leaves for {@link Transformer#backward}, in memory of the arena it was
 * given. One backward pass uses it up.
 */
public final class Activations {

    /** What is kept of the forward pass. */
    public enum Keep {
        /** All that backward reads: for each layer and token what {@link LayerActivations} counts. */
        ALL,
        /** Activation checkpointing: the input of each layer, H elements a token; backward computes the rest again. */
        LAYER_INPUTS
    }

    private final Keep keep;
    private final Pass pass;
    private final List<LayerActivations> layers;
    private final Tensor finalResidual;
    private final Tensor finalRstd;
    private final Tensor hidden;
    private boolean used;

    /** With {@link Keep#LAYER_INPUTS}, the layers differ in their inputs and share all other buffers. */
    Activations(Keep keep, Pass pass, List<LayerActivations> layers, Tensor finalResidual, Tensor finalRstd,
                Tensor hidden) {
        this.keep = keep;
        this.pass = pass;
        this.layers = layers;
        this.finalResidual = finalResidual;
        this.finalRstd = finalRstd;
        this.hidden = hidden;
    }

    /** Hidden states after the final norm [T,H], the LM head's input. */
    public Tensor hidden() {
        return hidden;
    }

    Keep keep() {
        return keep;
    }

    Pass pass() {
        return pass;
    }

    LayerActivations layer(int i) {
        return layers.get(i);
    }

    Tensor finalResidual() {
        return finalResidual;
    }

    Tensor finalRstd() {
        return finalRstd;
    }

    /** Backward overwrites what is kept, so it can run once. */
    void use() {
        if (used) {
            throw new IllegalStateException("backward has already used up these activations");
        }
        used = true;
    }
}
