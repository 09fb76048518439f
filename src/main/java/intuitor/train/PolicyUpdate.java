package intuitor.train;

/**
 * One update of the policy.
 *
 * @param objective    the loss, all tokens through
 * @param gradientNorm before clipping
 * @param learningRate of this update
 */
record PolicyUpdate(GrpoObjective objective, double gradientNorm, double learningRate) { }
