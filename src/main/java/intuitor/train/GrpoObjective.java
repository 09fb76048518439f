package intuitor.train;

import intuitor.model.TokenObjective;
import intuitor.rollout.Completion;
import java.util.List;

/**
 * The loss of one step over all its completion tokens: {@link GrpoLoss} of each token, weighted as {@link LossType}
 * says. As micro-batch after micro-batch comes by, it hands out the derivative of that loss with respect to the
 * policy's log-probabilities and keeps these for the metrics.
 */
final class GrpoObjective {

    private final GrpoLoss loss;
    private final double[] advantages;
    private final double[] weights;
    private final float[] reference;
    private final int[] completionOf;
    private final float[] logprobs;
    private double total;

    /**
     * @param completions of the step, in order
     * @param advantages  A_i of each
     * @param weights     w_i of each
     * @param reference   log-probabilities under the reference, token after token; null where beta is 0
     */
    GrpoObjective(GrpoLoss loss, List<Completion> completions, double[] advantages, double[] weights,
            float[] reference) {
        this.loss = loss;
        this.advantages = advantages;
        this.weights = weights;
        this.reference = reference;
        this.completionOf = new int[completions.stream().mapToInt(Completion::length).sum()];
        this.logprobs = new float[completionOf.length];
        int token = 0;
        for (int i = 0; i < completions.size(); i++) {
            for (int t = 0; t < completions.get(i).length(); t++) {
                completionOf[token++] = i;
            }
        }
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
        int i = completionOf[token];
        // one update a rollout: the policy that is differentiated is the one that sampled, its own old policy
        float old = logprob;
        float ref = reference == null ? 0 : reference[token];
        logprobs[token] = logprob;
        total += weights[i] * loss.loss(logprob, old, ref, advantages[i]);
        return weights[i] * loss.coefficient(logprob, old, ref, advantages[i]);
    }

    /** The loss of the tokens seen so far; of the step, once all micro-batches are through. */
    double loss() {
        return total;
    }

    /** The policy's log-probabilities, token after token. */
    float[] logprobs() {
        return logprobs;
    }

    /** Whether there is a reference to diverge from: beta is not 0. */
    boolean hasReference() {
        return reference != null;
    }

    /** Mean over all tokens of k3, the estimate of KL(policy || reference). */
    double kl() {
        double sum = 0;
        for (int t = 0; t < logprobs.length; t++) {
            sum += GrpoLoss.k3(logprobs[t], reference[t]);
        }
        return sum / logprobs.length;
    }
}
