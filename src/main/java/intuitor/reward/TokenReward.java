package intuitor.reward;

import intuitor.rollout.Completion;

/**
 * Rewards that are sums or means over a completion's tokens, in nats, of what the sampler said as it drew them: the
 * entropy H_t of the distribution, and the log-probability of the token, both at the sampling temperature and before
 * any filter.
 */
enum TokenReward implements Reward {

    /** {@code -mean_t H_t}: RENT (Prabhudesai et al. 2025, arXiv 2505.22660). */
    ENTROPY {
        @Override
        double of(Completion completion) {
            return -sum(completion.entropy()) / completion.length();
        }
    },

    /** {@code -sum_t H_t}: EM-RL-token (Agarwal et al. 2025, arXiv 2505.15134). Favours short completions. */
    TOKEN_ENTROPY {
        @Override
        double of(Completion completion) {
            return -sum(completion.entropy());
        }
    },

    /** {@code sum_t log p(o_t)}: EM-RL-sequence (arXiv 2505.15134). Favours short completions. */
    SEQUENCE_LOGPROB {
        @Override
        double of(Completion completion) {
            return sum(completion.logprobs());
        }
    },

    /** {@code mean_t log p(o_t)}: the logarithm of 1 / perplexity. */
    MEAN_LOGPROB {
        @Override
        double of(Completion completion) {
            return sum(completion.logprobs()) / completion.length();
        }
    };

    abstract double of(Completion completion);

    @Override
    public double[] score(RewardContext context) {
        return context.completions().stream().mapToDouble(this::of).toArray();
    }

    private static double sum(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += value;
        }
        return sum;
    }
}
