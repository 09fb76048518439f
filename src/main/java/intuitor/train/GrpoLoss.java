package intuitor.train;

/**
 * The loss of one token and its derivative (arXiv 2402.03300, equations 3 and 4, as in TRL):
 * <pre>
 *   r    = exp(logp - logp_old)
 *   k3   = exp(d) - d - 1,  d = logp_ref - logp      an unbiased, never negative estimate of KL(policy || reference)
 *   loss = - min(r A, clip(r, 1 - epsilon, 1 + epsilon) A) + beta k3
 *
 *   dloss/dlogp = - r A [the first of the two is the smaller] + beta (1 - exp(d))
 * </pre>
 * Intuitor makes one update from each rollout (mu = 1), so logp_old is the policy's own logp and r is exactly 1: the
 * loss is -A + beta k3. Advantages of a group add up to 0, so the logged loss hovers about beta * KL, 0 in the first
 * step. That is no fault: the gradient, A times the gradient of logp, is not 0.
 */
public record GrpoLoss(double epsilon, double beta) {

    public double loss(double logprob, double oldLogprob, double referenceLogprob, double advantage) {
        double ratio = Math.exp(logprob - oldLogprob);
        return -Math.min(ratio * advantage, clip(ratio) * advantage) + penalty(logprob, referenceLogprob);
    }

    /** Derivative of {@link #loss} with respect to {@code logprob}. */
    public double coefficient(double logprob, double oldLogprob, double referenceLogprob, double advantage) {
        double ratio = Math.exp(logprob - oldLogprob);
        double coefficient = ratio * advantage <= clip(ratio) * advantage ? -ratio * advantage : 0;
        return beta == 0 ? coefficient : coefficient + beta * (1 - Math.exp(referenceLogprob - logprob));
    }

    /** k3, Schulman's estimate of KL(policy || reference) at a token drawn from the policy. */
    public static double k3(double logprob, double referenceLogprob) {
        double d = referenceLogprob - logprob;
        return Math.expm1(d) - d;
    }

    private double penalty(double logprob, double referenceLogprob) {
        return beta == 0 ? 0 : beta * k3(logprob, referenceLogprob);
    }

    private double clip(double ratio) {
        return Math.clamp(ratio, 1 - epsilon, 1 + epsilon);
    }
}
