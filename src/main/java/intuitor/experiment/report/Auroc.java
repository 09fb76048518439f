package intuitor.experiment.report;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Area under the receiver operating characteristic: the probability that a right one scores higher than a wrong one,
 * ties counting half (the Mann-Whitney statistic).
 */
final class Auroc {

    private Auroc() { }

    /** NaN where all are right, or none. */
    static double of(double[] scores, boolean[] right) {
        int n = scores.length;
        Integer[] order = IntStream.range(0, n).boxed().toArray(Integer[]::new);
        Arrays.sort(order, Comparator.comparingDouble(i -> scores[i]));
        double rankSum = 0;
        int rights = 0;
        int from = 0;
        while (from < n) {
            int to = from;
            while (to < n && scores[order[to]] == scores[order[from]]) {
                to++;
            }
            double rank = (from + 1 + to) / 2.0; // the mean rank of those that are equal
            for (int i = from; i < to; i++) {
                if (right[order[i]]) {
                    rankSum += rank;
                    rights++;
                }
            }
            from = to;
        }
        return (rankSum - rights * (rights + 1) / 2.0) / ((double) rights * (n - rights));
    }
}
