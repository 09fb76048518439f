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
        double batchStd = std(flatten(rewards));
        for (int g = 0; g < rewards.length; g++) {
            double[] group = rewards[g];
            std[g] = std(group);
            double divisor = switch (scale) {
                case GROUP -> std[g] + EPSILON;
                case BATCH -> batchStd + EPSILON;
                case NONE -> 1;
            };
            values[g] = new double[group.length];
            // a mean of equal numbers may differ from them in the last bit; std() has seen that they are equal
            if (std[g] > 0) {
                double mean = mean(group);
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

    public double meanStd() {
        return mean(groupStd);
    }

    static double mean(double[] x) {
        double sum = 0;
        for (double v : x) {
            sum += v;
        }
        return sum / x.length;
    }

    /** Standard deviation with n - 1 in the denominator; exactly 0 where all are equal, and for a single value. */
    static double std(double[] x) {
        double mean = mean(x);
        double squares = 0;
        boolean equal = true;
        for (double v : x) {
            squares += (v - mean) * (v - mean);
            equal &= v == x[0];
        }
        return equal ? 0 : Math.sqrt(squares / (x.length - 1));
    }

    private static double[] flatten(double[][] groups) {
        return Arrays.stream(groups).flatMapToDouble(Arrays::stream).toArray();
    }
}
