package intuitor.train;

import java.util.Arrays;

/**
 * How the token losses l_it of a step's N completions o_i become one number, under TRL's names. Each is a weighted sum
 * in which all tokens of a completion weigh the same:
 * <pre>
 *   loss = sum_i w_i sum_t l_it
 *
 *   grpo      w_i = 1 / (N |o_i|)                  mean over tokens, then over completions
 *                                                  (DeepSeekMath; Intuitor's paper)
 *   bnpo      w_i = 1 / (K sum_{j in batch(i)} |o_j|)   token mean in each of K local batches, then their mean
 *                                                  (Intuitor's public run)
 *   dr_grpo   w_i = 1 / (N max_completion_length)  no length in it (Liu et al. 2025)
 *   dapo      w_i = 1 / sum_j |o_j|                token mean over the whole step (Yu et al. 2025)
 *   cispo     as dapo, of another token loss ({@link GrpoLoss}; MiniMax-M1, arXiv 2506.13585)
 * </pre>
 * A completion that is left out (mask_truncated_completions) has w_i = 0 and |o_i| = 0; it still counts among the N.
 */
public enum LossType {
    GRPO, BNPO, DR_GRPO, DAPO, CISPO;

    /**
     * The weights w_i of a step.
     *
     * @param lengths             tokens of every completion; 0 for one that is left out
     * @param maxCompletionLength for dr_grpo
     * @param localBatch          for bnpo: completions in a local batch (the last one may be smaller); 0: all
     */
    public double[] weights(int[] lengths, int maxCompletionLength, int localBatch) {
        int n = lengths.length;
        double[] weights = new double[n];
        switch (this) {
            case GRPO -> {
                for (int i = 0; i < n; i++) {
                    weights[i] = 1.0 / ((double) n * lengths[i]);
                }
            }
            case BNPO -> tokenMeans(weights, lengths, localBatch == 0 ? n : localBatch);
            case DR_GRPO -> Arrays.fill(weights, 1.0 / ((double) n * maxCompletionLength));
            case DAPO, CISPO -> tokenMeans(weights, lengths, n);
        }
        for (int i = 0; i < n; i++) {
            weights[i] = lengths[i] == 0 ? 0 : weights[i];
        }
        return weights;
    }

    /** Token mean in each run of {@code size} completions, and the mean of these. */
    private static void tokenMeans(double[] weights, int[] lengths, int size) {
        int batches = Math.ceilDiv(lengths.length, size);
        for (int from = 0; from < lengths.length; from += size) {
            int to = Math.min(lengths.length, from + size);
            long tokens = 0;
            for (int i = from; i < to; i++) {
                tokens += lengths[i];
            }
            Arrays.fill(weights, from, to, 1.0 / ((double) batches * tokens));
        }
    }
}
