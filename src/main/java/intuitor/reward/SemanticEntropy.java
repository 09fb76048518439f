package intuitor.reward;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The share of the group that gives the same answer: EMPO (Zhang et al. 2025, arXiv 2504.05812), which so minimises the
 * entropy of answers by meaning:
 * <pre>
 *   r_i = |cluster of o_i| / G,       0 without an answer
 *   H   = - sum_c p_c log p_c,        p_c = |c| / G; completions without an answer are clusters of one
 * </pre>
 * A group takes part only where low <= H / log G <= high: little entropy leaves nothing to learn, much makes the
 * majority unreliable. The others have no reward.
 */
final class SemanticEntropy implements Reward {

    private final AnswerExtraction extraction;
    private final double low;
    private final double high;

    SemanticEntropy(AnswerExtraction extraction, double low, double high) {
        this.extraction = extraction;
        this.low = low;
        this.high = high;
    }

    @Override
    public double[] score(RewardContext context) {
        int n = context.completions().size();
        AnswerClusters answers = AnswerClusters.of(context.texts(), extraction);
        // the ends of the scale are rounded sums: nothing lies beyond them
        double share = Math.clamp(answers.entropy() / Math.log(n), 0, 1);
        if (share < low || share > high) {
            double[] none = new double[n];
            Arrays.fill(none, Double.NaN);
            return none;
        }
        return IntStream.range(0, n).mapToDouble(i -> (double) answers.size(i) / n).toArray();
    }
}
