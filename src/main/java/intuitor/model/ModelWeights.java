package intuitor.model;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Tensor;

/**
 * What a model computes with. A {@link ParameterSet} holds every parameter as it is, to be trained, scored with or
 * saved; {@link InferenceWeights} hold their matrices in the order of the matrix library alone, to generate with.
 */
public abstract sealed class ModelWeights permits ParameterSet, InferenceWeights {

    public abstract ModelConfig config();

    /** Storage type of all weights. */
    public abstract DType dtype();

    /** [V,H] */
    public abstract Tensor embedding();

    /** [V,H], the embedding itself if the head is tied to it; null if it is held packed alone. */
    abstract Tensor lmHead();

    abstract Tensor finalNorm();

    /** Matrices that are held packed alone are null. */
    abstract LayerParameters layer(int i);

    /** The matrices for generation: those that are held, or copies of the present ones in the arena. */
    public abstract PackedWeights packed(Arena arena);
}
