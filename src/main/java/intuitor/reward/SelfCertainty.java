package intuitor.reward;

import intuitor.rollout.Completion;

/**
 * Intuitor's reward (arXiv 2505.19590): how far the model's own distributions are from the uniform one, averaged over
 * the tokens of a completion:
 * <pre>
 *   SC(o|q) = mean_t KL(U || p_t),   KL(U || p_t) = logsumexp_j z_tj - mean_j z_tj - log V
 * </pre>
 * over the full width V of the LM head, the end token included. It needs no answer. Whose distributions p_t are, at
 * which temperature and position, is decided before: {@code certainty_model}, {@code certainty_temperature}, {@code
 * position_offset}.
 */
public final class SelfCertainty implements Reward {

    @Override
    public double[] score(RewardContext context) {
        return context.completions().stream().mapToDouble(SelfCertainty::of).toArray();
    }

    /** Mean self-certainty of a completion, in nats. */
    public static double of(Completion completion) {
        return mean(completion.selfCertainty());
    }

    /** Mean over the tokens of a completion, at least one. */
    public static double mean(float[] certainties) {
        double sum = 0;
        for (float certainty : certainties) {
            sum += certainty;
        }
        return sum / certainties.length;
    }
}
