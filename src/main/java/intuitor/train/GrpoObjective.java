package intuitor.train;

import intuitor.model.TokenObjective;

/**
 * The loss of one update over all completion tokens of a step: {@link GrpoLoss} of each token, weighted as {@link
 * LossType} says. As micro-batch after micro-batch comes by, it hands out the derivative of that loss with respect to
 * the policy's log-probabilities and keeps these, and what was clipped, for the metrics.
 *
 * <p>With importance_sampling_level sequence (GSPO, arXiv 2507.18071) all tokens of a completion have one ratio s_i,
 * exp of the mean of their log ratios. It depends on each of them, so that
 * <pre>
 *   d loss / d logp_it = w_i n_i / |o_i| d policy / d log s_i,     n_i = tokens of o_i in the policy term
 * </pre>
 */
final class GrpoObjective {

    private final GrpoLoss loss;
    private final LossTokens tokens;
    private final float[] old;
    private final double[] sequenceLogRatios;
    private final double[] policyShare;
    private final float[] logprobs;
    private double total;
    private long clippedLow;
    private long clippedHigh;

    private GrpoObjective(GrpoLoss loss, LossTokens tokens, float[] old, double[] sequenceLogRatios) {
        this.loss = loss;
        this.tokens = tokens;
        this.old = old;
        this.sequenceLogRatios = sequenceLogRatios;
        this.policyShare = sequenceLogRatios == null ? null : policyShare(tokens);
        this.logprobs = new float[tokens.completionOf().length];
    }

    /** With a ratio for each token; {@code old} null: the policy is its own old policy, and all ratios are 1. */
    static GrpoObjective ofTokens(GrpoLoss loss, LossTokens tokens, float[] old) {
        return new GrpoObjective(loss, tokens, old, null);
    }

    /**
     * With a ratio for each completion.
     *
     * @param current of each token, its log-probability under the policy as it is; null: as the old ones
     */
    static GrpoObjective ofSequences(GrpoLoss loss, LossTokens tokens, float[] old, float[] current) {
        double[] logRatios = new double[tokens.lengths().length];
        for (int t = 0; current != null && t < current.length; t++) {
            int i = tokens.completionOf()[t];
            logRatios[i] += ((double) current[t] - old[t]) / tokens.lengths()[i];
        }
        return new GrpoObjective(loss, tokens, old, logRatios);
    }

    private static double[] policyShare(LossTokens tokens) {
        double[] share = new double[tokens.lengths().length];
        for (int t = 0; t < tokens.completionOf().length; t++) {
            int i = tokens.completionOf()[t];
            share[i] += tokens.inPolicyTerm(t) ? 1.0 / tokens.lengths()[i] : 0;
        }
        return share;
    }

    /** The part of the loss that belongs to a micro-batch which starts at this token of the step. */
    TokenObjective from(int firstToken) {
        return (from, to, logprob, coefficient) -> {
            for (int i = 0; i < to - from; i++) {
                coefficient[i] = (float) visit(firstToken + from + i, logprob[i]);
            }
        };
    }

    private double visit(int token, float logprob) {
        logprobs[token] = logprob;
        if (!tokens.counts(token)) {
            return 0;
        }
        int i = tokens.completionOf()[token];
        double advantage = tokens.advantages()[i];
        double logRatio = sequenceLogRatios != null ? sequenceLogRatios[i] : old == null ? 0
                : (double) logprob - old[token];
        float ref = tokens.reference() == null ? 0 : tokens.reference()[token];
        clippedLow += loss.isClippedLow(logRatio, advantage) ? 1 : 0;
        clippedHigh += loss.isClippedHigh(logRatio, advantage) ? 1 : 0;
        // a completion that has one ratio for all its tokens is not weighted token by token
        double importance = sequenceLogRatios != null ? 1
                : tokens.importance(token, old == null ? logprob : old[token]);
        double policy = tokens.inPolicyTerm(token) ? importance * loss.policy(logRatio, logprob, advantage) : 0;
        total += tokens.weights()[i] * (policy + loss.kl(logprob, ref));
        double share = sequenceLogRatios != null ? policyShare[i] : tokens.inPolicyTerm(token) ? 1 : 0;
        return tokens.weights()[i] * (share * importance * loss.policyCoefficient(logRatio, advantage)
                + loss.klCoefficient(logprob, ref));
    }

    /** The loss of the tokens seen so far; of the update, once all micro-batches are through. */
    double loss() {
        return total;
    }

    /** The policy's log-probabilities, token after token. */
    float[] logprobs() {
        return logprobs;
    }

    /** Whether there is a reference to diverge from: beta is not 0. */
    boolean hasReference() {
        return tokens.reference() != null;
    }

    boolean isCispo() {
        return loss.cispo();
    }

    /** Mean over the tokens in the loss of k3, the estimate of KL(policy || reference). */
    double kl() {
        double sum = 0;
        for (int t = 0; t < logprobs.length; t++) {
            sum += tokens.counts(t) ? GrpoLoss.k3(logprobs[t], tokens.reference()[t]) : 0;
        }
        return sum / counted();
    }

    /** The part of the tokens in the loss whose ratio fell below the interval and was cut. */
    double clippedLow() {
        return clippedLow / counted();
    }

    /** The part of the tokens in the loss whose ratio rose above the interval and was cut. */
    double clippedHigh() {
        return clippedHigh / counted();
    }

    /** Tokens in the loss, or 1 if there are none. */
    private double counted() {
        int counted = 0;
        for (int t = 0; t < logprobs.length; t++) {
            counted += tokens.counts(t) ? 1 : 0;
        }
        return Math.max(1, counted);
    }
}
