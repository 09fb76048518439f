package intuitor.reward;

import intuitor.rollout.Completion;

/**
 * The length reward of Kimi k1.5 (arXiv 2501.12599), as Open R1 has it, in tokens:
 * <pre>
 *   lambda_i = 0.5 - (|o_i| - min_j |o_j|) / (max_j |o_j| - min_j |o_j|)
 *   r_i      = lambda_i for a right answer, min(0, lambda_i) for a wrong one;   0 for all where all are equally long
 * </pre>
 * Where the reference cannot be read, answers count as right.
 */
final class Brevity implements Reward {

    private final Accuracy accuracy;

    Brevity(AnswerExtraction extraction) {
        this.accuracy = new Accuracy(extraction);
    }

    @Override
    public boolean needsAnswers() {
        return true;
    }

    @Override
    public double[] score(RewardContext context) {
        int[] lengths = context.completions().stream().mapToInt(Completion::length).toArray();
        int shortest = Integer.MAX_VALUE;
        int longest = 0;
        for (int length : lengths) {
            shortest = Math.min(shortest, length);
            longest = Math.max(longest, length);
        }
        double[] rewards = new double[lengths.length];
        if (shortest < longest) {
            double[] right = accuracy.score(context);
            for (int i = 0; i < rewards.length; i++) {
                double lambda = 0.5 - (double) (lengths[i] - shortest) / (longest - shortest);
                rewards[i] = right[i] == 0 ? Math.min(0, lambda) : lambda;
            }
        }
        return rewards;
    }
}
