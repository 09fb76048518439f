package intuitor.train;

import intuitor.monitor.Statistics;
import intuitor.rollout.Completion;
import java.util.Arrays;
import java.util.List;

/**
 * What the loss of a step needs to know of its completions and of their tokens, in all updates that are made from them.
 *
 * @param completionOf of each token of the step, the completion that it belongs to
 * @param lengths      tokens of each completion
 * @param advantages   A_i of each completion
 * @param weights      w_i of each completion ({@link LossType}); 0: it has no part in the loss
 * @param inPolicyTerm of each token, whether it has a part in the advantage's term; null: all have
 * @param reference    of each token, its log-probability under the reference; null where beta is 0
 * @param sampled      of each token, its log-probability when it was drawn; null: as under the old policy
 * @param cap          greatest {@link #importance}
 */
record LossTokens(int[] completionOf, int[] lengths, double[] advantages, double[] weights, boolean[] inPolicyTerm,
                  float[] reference, float[] sampled, double cap) {

    /** @param completions of the step, in order */
    static LossTokens of(List<Completion> completions, Advantages advantages, float[] reference, GrpoConfig config) {
        int[] lengths = completions.stream().mapToInt(Completion::length).toArray();
        // a completion that is left out counts as one without tokens
        int[] counted = completions.stream()
                .mapToInt(c -> config.maskTruncatedCompletions() && !c.stopped() ? 0 : c.length()).toArray();
        double[] weights = config.lossType().weights(counted, config.maxCompletionLength(),
                config.perDeviceTrainBatchSize());
        double[] flat = Arrays.stream(advantages.values()).flatMapToDouble(Arrays::stream).toArray();
        return new LossTokens(completionOf(lengths), lengths, flat, weights,
                mostUncertain(completions, weights, config.topEntropyQuantile()), reference,
                config.importanceSamplingCap() > 0 ? sampled(completions) : null, config.importanceSamplingCap());
    }

    private static float[] sampled(List<Completion> completions) {
        float[] all = new float[completions.stream().mapToInt(Completion::length).sum()];
        int token = 0;
        for (Completion c : completions) {
            System.arraycopy(c.logprobs(), 0, all, token, c.length());
            token += c.length();
        }
        return all;
    }

    static int[] completionOf(int[] lengths) {
        int[] completionOf = new int[Arrays.stream(lengths).sum()];
        int token = 0;
        for (int i = 0; i < lengths.length; i++) {
            Arrays.fill(completionOf, token, token + lengths[i], i);
            token += lengths[i];
        }
        return completionOf;
    }

    /**
     * The share of the tokens in the loss whose distributions had the highest entropy, when they were drawn ("Beyond
     * the 80/20 Rule", arXiv 2506.01939): those not below the quantile 1 - share of all, which is interpolated as
     * torch does. Null for all of them.
     */
    static boolean[] mostUncertain(List<Completion> completions, double[] weights, double share) {
        if (share == 1) {
            return null;
        }
        int tokens = completions.stream().mapToInt(Completion::length).sum();
        double[] entropies = new double[tokens];
        Arrays.fill(entropies, Double.NaN); // for what is not in the loss
        int token = 0;
        for (int i = 0; i < completions.size(); i++) {
            for (float entropy : completions.get(i).entropy()) {
                entropies[token++] = weights[i] > 0 ? entropy : Double.NaN;
            }
        }
        double least = Statistics.quantile(Statistics.finite(Arrays.stream(entropies)), 1 - share);
        boolean[] in = new boolean[tokens];
        for (int t = 0; t < tokens; t++) {
            in[t] = entropies[t] >= least;
        }
        return in;
    }

    /**
     * Weight of a token's policy term: its probability under the old policy over that with which it was drawn, cut at
     * the cap (truncated importance sampling, as TRL corrects for a sampler that is not the policy to the bit). It is
     * not differentiated.
     *
     * @param oldLogprob of the token under the old policy, as training computes it
     */
    double importance(int token, double oldLogprob) {
        return sampled == null ? 1 : Math.min(Math.exp(oldLogprob - sampled[token]), cap);
    }

    boolean inPolicyTerm(int token) {
        return inPolicyTerm == null || inPolicyTerm[token];
    }

    /** Whether a token has a part in the loss at all. */
    boolean counts(int token) {
        return weights[completionOf[token]] > 0;
    }
}
