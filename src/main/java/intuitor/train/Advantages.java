package intuitor.train;

import intuitor.monitor.Statistics;
import intuitor.reward.Scores;
import intuitor.train.GrpoConfig.Aggregation;
import intuitor.train.GrpoConfig.RewardScale;
import java.util.Arrays;

/**
 * Group-relative advantages (DeepSeekMath, arXiv 2402.03300):
 * <pre>
 *   A_i = (r_i - mean(group)) / (std(group) + 1e-4)       std with n - 1 in the denominator, as torch and TRL have it
 * </pre>
 * A group whose rewards are all the same says nothing, and a group of one neither: their advantages are exactly 0. A
 * completion without a reward (NaN) has advantage 0 and is left out of mean and standard deviation.
 *
 * <p>Of several rewards each is normalised on its own, then weighted and added, as Intuitor's code adds an external
 * reward: {@code A_i = sum_k w_k A_ik}. Or, as TRL does by default, their weighted sum is normalised as one reward.
 *
 * @param values A_i [group][completion]
 */
public record Advantages(double[][] values) {

    private static final double EPSILON = 1e-4;

    /** Of a step's completions. */
    public static Advantages of(Scores scores, RewardScale scale, Aggregation aggregation) {
        if (aggregation == Aggregation.SUM_THEN_NORMALIZE) {
            return new Advantages(normalised(scores.total(), scale));
        }
        double[][] sum = Arrays.stream(scores.values()[0]).map(g -> new double[g.length]).toArray(double[][]::new);
        for (int k = 0; k < scores.values().length; k++) {
            double[][] normalised = normalised(scores.values()[k], scale);
            for (int g = 0; g < sum.length; g++) {
                for (int i = 0; i < sum[g].length; i++) {
                    sum[g][i] += scores.weights()[k] * normalised[g][i];
                }
            }
        }
        return new Advantages(sum);
    }

    /** A_ik of one reward, [group][completion] as the reward is. */
    static double[][] normalised(double[][] rewards, RewardScale scale) {
        double[][] values = new double[rewards.length][];
        double batchStd = Statistics.std(Statistics.finite(Arrays.stream(rewards).flatMapToDouble(Arrays::stream)));
        for (int g = 0; g < rewards.length; g++) {
            double[] group = rewards[g];
            double[] judged = Statistics.finite(Arrays.stream(group));
            double std = Statistics.std(judged);
            double divisor = switch (scale) {
                case GROUP -> std + EPSILON;
                case BATCH -> batchStd + EPSILON;
                case NONE -> 1;
            };
            values[g] = new double[group.length];
            // a mean of equal numbers may differ from them in the last bit; the deviation is exactly 0 then
            if (std > 0) {
                double mean = Statistics.mean(judged);
                for (int i = 0; i < group.length; i++) {
                    values[g][i] = Double.isNaN(group[i]) ? 0 : (group[i] - mean) / divisor;
                }
            }
        }
        return values;
    }

    /** The part of the groups in which no completion has an advantage: their rewards are all the same. */
    public double fractionZeroStd() {
        long silent = Arrays.stream(values).filter(group -> Arrays.stream(group).allMatch(a -> a == 0)).count();
        return (double) silent / values.length;
    }
}
