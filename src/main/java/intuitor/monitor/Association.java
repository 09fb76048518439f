package intuitor.monitor;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * How two figures of the same completions go together. NaN where there is nothing to tell: no spread, or one class
 * only.
 */
public final class Association {

    private static final int BINS = 10;

    private Association() { }

    /**
     * Pearson's correlation within groups: of both figures, the group's mean is taken off first, so that what makes one
     * prompt harder than another does not count.
     *
     * @param x [group][completion]
     * @param y of the same shape
     */
    static double withinGroups(double[][] x, double[][] y) {
        double xy = 0;
        double xx = 0;
        double yy = 0;
        for (int g = 0; g < x.length; g++) {
            double meanX = Arrays.stream(x[g]).average().orElse(0);
            double meanY = Arrays.stream(y[g]).average().orElse(0);
            for (int i = 0; i < x[g].length; i++) {
                xy += (x[g][i] - meanX) * (y[g][i] - meanY);
                xx += (x[g][i] - meanX) * (x[g][i] - meanX);
                yy += (y[g][i] - meanY) * (y[g][i] - meanY);
            }
        }
        return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : Double.NaN;
    }

    /**
     * Area under the ROC curve: the probability that a right completion scores higher than a wrong one, equal scores
     * counted half (the Mann-Whitney statistic). 0.5 is chance.
     */
    public static double auroc(double[] score, boolean[] right) {
        Integer[] order = IntStream.range(0, score.length).boxed().sorted(Comparator.comparingDouble(i -> score[i]))
                .toArray(Integer[]::new);
        double rankSum = 0;
        long rights = 0;
        for (int from = 0; from < order.length;) {
            int to = from;
            int rightHere = 0;
            while (to < order.length && score[order[to]] == score[order[from]]) {
                rightHere += right[order[to]] ? 1 : 0;
                to++;
            }
            // ranks from + 1 .. to are shared: each counts as their mean
            rankSum += rightHere * (from + 1 + to) / 2.0;
            rights += rightHere;
            from = to;
        }
        long wrongs = score.length - rights;
        double won = rankSum - rights * (rights + 1) / 2.0;
        return rights > 0 && wrongs > 0 ? won / ((double) rights * wrongs) : Double.NaN;
    }

    /**
     * Standard error of an AUROC (Hanley and McNeil 1982, Radiology 143: 29 - 36, equations 1 and 2).
     *
     * @param rights number of right ones
     * @param wrongs number of wrong ones
     */
    static double aurocError(double auroc, double rights, double wrongs) {
        double square = auroc * auroc;
        double twoRight = auroc / (2 - auroc) - square;
        double twoWrong = 2 * square / (1 + auroc) - square;
        return Math.sqrt((auroc * (1 - auroc) + (rights - 1) * twoRight + (wrongs - 1) * twoWrong) / (rights * wrongs));
    }

    /**
     * Expected calibration error (Guo et al. 2017, arXiv 1706.04599): the mean distance between confidence and accuracy
     * over ten bins of equal width, weighted by their number of completions.
     *
     * @param confidence in [0, 1]
     */
    static double calibrationError(double[] confidence, boolean[] right) {
        double[] difference = new double[BINS];
        for (int i = 0; i < confidence.length; i++) {
            int bin = Math.min(BINS - 1, (int) (confidence[i] * BINS));
            difference[bin] += confidence[i] - (right[i] ? 1 : 0);
        }
        return confidence.length == 0 ? Double.NaN : Arrays.stream(difference).map(Math::abs).sum() / confidence.length;
    }
}
