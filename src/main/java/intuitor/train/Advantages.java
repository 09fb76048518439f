package intuitor.train;

import intuitor.train.GrpoConfig.RewardScale;
import java.util.Arrays;

/**
 * Group-relative advantages (DeepSeekMath, arXiv 2402.03300):
 * <pre>
 *   A_i = (r_i - mean(group)) / (std(group) + 1e-4)       std with n - 1 in the denominator, as torch and TRL have it
 * </pre>
 * A group whose rewards are all the same says nothing, and a group of one neither: their advantages are exactly 0.
 *
 * @param values        A_i, group after group
 * @param groupStd      each group's standard deviation; 0 for a group of one
 */
public record Advantages(double[][] values, double[] groupStd) {

    private static final double EPSILON = 1e-4;

    /** @param rewards [group][completion] */
    public static Advantages of(double[][] rewards, RewardScale scale) {
        double[][] values = new double[rewards.length][];
        double[] std = new double[rewards.length];
        double batchStd = Statistics.std(flatten(rewards));
        for (int g = 0; g < rewards.length; g++) {
            double[] group = rewards[g];
            std[g] = Statistics.std(group);
            double divisor = switch (scale) {
                case GROUP -> std[g] + EPSILON;
                case BATCH -> batchStd + EPSILON;
                case NONE -> 1;
            };
            values[g] = new double[group.length];
            // a mean of equal numbers may differ from them in the last bit; the deviation is exactly 0 then
            if (std[g] > 0) {
                double mean = Statistics.mean(group);
                for (int i = 0; i < group.length; i++) {
                    values[g][i] = (group[i] - mean) / divisor;
                }
            }
        }
        return new Advantages(values, std);
    }

    /** The part of the groups whose rewards are all the same. */
    public double fractionZeroStd() {
        int zero = 0;
        for (double s : groupStd) {
            zero += s == 0 ? 1 : 0;
        }
        return (double) zero / groupStd.length;
    }

    private static double[] flatten(double[][] groups) {
        return Arrays.stream(groups).flatMapToDouble(Arrays::stream).toArray();
    }
}
