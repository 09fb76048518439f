package intuitor.reward;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What the rewards gave the completions of a step.
 *
 * @param names   of the rewards, as in the metrics
 * @param weights of each
 * @param values  [reward][group][completion]; NaN where a reward had nothing to judge by
 */
public record Scores(List<String> names, double[] weights, double[][][] values) {

    /** The weighted sum for each completion [group][completion]; a reward that judged nothing adds nothing. */
    public double[][] total() {
        double[][] total = new double[values[0].length][];
        for (int g = 0; g < total.length; g++) {
            total[g] = new double[values[0][g].length];
            for (int r = 0; r < values.length; r++) {
                for (int i = 0; i < total[g].length; i++) {
                    total[g][i] += Double.isNaN(values[r][g][i]) ? 0 : weights[r] * values[r][g][i];
                }
            }
        }
        return total;
    }

    /** The rewards that judged none of the step's completions. */
    public List<String> silent() {
        return IntStream.range(0, values.length)
                .filter(r -> Arrays.stream(values[r]).flatMapToDouble(Arrays::stream).allMatch(Double::isNaN))
                .mapToObj(names::get).toList();
    }
}
