package intuitor.model;

import intuitor.device.Tensor;

/** Where the values of a model's parameters come from; asked once for each, in the order of the layout. */
interface ParameterSource {

    /** Writes the values of a parameter into a tensor of its shape. */
    void fill(ParameterSpec spec, Tensor parameter);
}
