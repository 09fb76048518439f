package intuitor.optim;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Tensor;

/** Clipping of the gradient by its global norm, as torch's {@code clip_grad_norm_} does it. */
public final class GradientClipping {

    private static final double EPSILON = 1e-6;

    private GradientClipping() { }

    /** Euclidean norm of a flat buffer of gradients, squares added in fp64. */
    public static double norm(Tensor gradients, Arena scratch) {
        try (Arena scope = scratch.scope("gradient norm")) {
            Tensor sum = scope.allocate("sum of squares", DType.F64, 1);
            double[] host = new double[1];
            scope.device().kernels().sumSquares(sum, gradients);
            scope.device().download(host, sum);
            return Math.sqrt(host[0]);
        }
    }

    /**
     * What the gradient is multiplied by so that its norm is at most {@code maxNorm}; 1 where that is 0 (no clipping).
     */
    public static double scale(double norm, double maxNorm) {
        return maxNorm == 0 ? 1 : Math.min(1, maxNorm / (norm + EPSILON));
    }
}
