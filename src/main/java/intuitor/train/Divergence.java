package intuitor.train;

import intuitor.UserError;

/** The end of a training whose gradient has left the numbers: nothing of it may reach the weights. */
final class Divergence {

    private Divergence() { }

    /**
     * A {@link UserError} where the norm is a NaN or infinite.
     *
     * @param step 1 for the first
     * @param wayOut what the user can do about it
     */
    static void requireFinite(double gradientNorm, long step, String wayOut) {
        if (!Double.isFinite(gradientNorm)) {
            throw new UserError("step " + step + ": the gradient is not finite, the training has diverged; " + wayOut);
        }
    }
}
