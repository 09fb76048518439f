package intuitor.train;

/**
 * The loss of one token and its derivative with respect to the token's log-probability, as in TRL. With
 * <pre>
 *   r    = exp(log ratio),      log ratio = logp - logp_old, or its mean over the completion (GSPO)
 *   k3   = exp(d) - d - 1,      d = logp_ref - logp: an unbiased, never negative estimate of KL(policy || reference)
 * </pre>
 * the clipped loss (DeepSeekMath, arXiv 2402.03300; epsilon_high: DAPO, 2503.14476; delta: INTELLECT-2, 2505.07291) is
 * <pre>
 *   loss = - min(min(r, delta) A, clip(r, 1 - epsilon, 1 + epsilon_high) A) + beta k3
 *   d loss / d log ratio = - r A where the first of the two is the smaller and r is not cut, or r is within the
 *                          interval; else 0
 * </pre>
 * and that of CISPO (MiniMax-M1, arXiv 2506.13585), whose weight of a token is not differentiated,
 * <pre>
 *   loss = - min(r, epsilon_high) A logp + beta k3,      d/dlogp = - min(r, epsilon_high) A + ...
 * </pre>
 * In the first update after a rollout the old policy is the policy itself, so r is exactly 1: the clipped loss is
 * -A + beta k3. Advantages of a group add up to 0, so with one update a rollout, as Intuitor has it, the logged loss
 * hovers about beta * KL, 0 in the first step. That is no fault: the gradient, A times the gradient of logp, is not 0.
 *
 * @param cispo       the second of the two
 * @param epsilonLow  the ratio is cut below 1 - this; not of CISPO
 * @param epsilonHigh the ratio is cut above 1 + this; in CISPO, above this
 * @param delta       the ratio is cut above this even where A is negative; infinite: never
 * @param beta        weight of the KL term; 0: there is no reference
 */
public record GrpoLoss(boolean cispo, double epsilonLow, double epsilonHigh, double delta, double beta) {

    /** As the settings say. */
    static GrpoLoss of(GrpoConfig config) {
        double high = config.epsilonHigh() > 0 ? config.epsilonHigh() : config.epsilon();
        double delta = config.delta() > 0 ? config.delta() : Double.POSITIVE_INFINITY;
        return new GrpoLoss(config.lossType() == LossType.CISPO, config.epsilon(), high, delta, config.beta());
    }

    /** The same with another weight of the KL term. */
    GrpoLoss withBeta(double other) {
        return new GrpoLoss(cispo, epsilonLow, epsilonHigh, delta, other);
    }

    /** The term of the advantage. */
    public double policy(double logRatio, double logprob, double advantage) {
        double ratio = Math.exp(logRatio);
        if (cispo) {
            return -Math.min(ratio, epsilonHigh) * advantage * logprob;
        }
        return -Math.min(Math.min(ratio, delta) * advantage, clip(ratio) * advantage);
    }

    /** Derivative of {@link #policy} with respect to the log ratio; of CISPO, to the log-probability beside it. */
    public double policyCoefficient(double logRatio, double advantage) {
        double ratio = Math.exp(logRatio);
        if (cispo) {
            return -Math.min(ratio, epsilonHigh) * advantage;
        }
        boolean follows = ratio <= delta && ratio * advantage <= clip(ratio) * advantage;
        return follows ? -ratio * advantage : 0;
    }

    /** The term of the reference. */
    public double kl(double logprob, double referenceLogprob) {
        return beta == 0 ? 0 : beta * k3(logprob, referenceLogprob);
    }

    /** Derivative of {@link #kl} with respect to the log-probability. */
    public double klCoefficient(double logprob, double referenceLogprob) {
        return beta == 0 ? 0 : beta * (1 - Math.exp(referenceLogprob - logprob));
    }

    /** k3, Schulman's estimate of KL(policy || reference) at a token drawn from the policy. */
    public static double k3(double logprob, double referenceLogprob) {
        double d = referenceLogprob - logprob;
        return Math.expm1(d) - d;
    }

    /** Whether a ratio that has fallen is cut, so that it falls no further. */
    public boolean isClippedLow(double logRatio, double advantage) {
        return !cispo && Math.exp(logRatio) < 1 - epsilonLow && advantage < 0;
    }

    /** Whether a ratio that has risen is cut. */
    public boolean isClippedHigh(double logRatio, double advantage) {
        return Math.exp(logRatio) > (cispo ? epsilonHigh : 1 + epsilonHigh) && advantage > 0;
    }

    private double clip(double ratio) {
        return Math.clamp(ratio, 1 - epsilonLow, 1 + epsilonHigh);
    }
}
