package intuitor.model;

import intuitor.device.Blas;
import intuitor.device.PackedMatrix;
import intuitor.device.Tensor;

/**
 * A linear map of rows: y = x W^T, with W [out, in] as in PyTorch. A bias, where there is one, is another kernel's. W,
 * x and their like are of the storage type, gradients of W are fp32, and y is whichever of the two it was allocated as.
 */
final class Linear {

    private final Blas blas;
    private final Tensor weight;

    /**
     * @param weight null if it is held packed alone, which allows {@link #forward(Tensor, Tensor, PackedMatrix)} only
     */
    Linear(Blas blas, Tensor weight) {
        this.blas = blas;
        this.weight = weight;
    }

    /** y = x W^T. */
    void forward(Tensor y, Tensor x) {
        blas.gemm(y, x, false, plain(), true, false);
    }

    /** The same by the packed weight; null if the plain one is to be used. */
    void forward(Tensor y, Tensor x, PackedMatrix packed) {
        blas.gemm(y, x, factor(packed));
    }

    /** What x is multiplied by: the packed weight; null if the plain one is to be used. */
    PackedMatrix factor(PackedMatrix packed) {
        return packed == null ? blas.unpacked(plain(), true) : packed;
    }

    /** dx = dy W. */
    void backward(Tensor dx, Tensor dy) {
        blas.gemm(dx, dy, false, plain(), false, false);
    }

    /** dW += dy^T x. */
    void addGradient(Tensor dWeight, Tensor dy, Tensor x) {
        blas.gemm(dWeight, dy, true, x, false, true);
    }

    /** The weight as it is. */
    Tensor plain() {
        if (weight == null) {
            throw new IllegalStateException("these weights are packed, for generation alone");
        }
        return weight;
    }
}
