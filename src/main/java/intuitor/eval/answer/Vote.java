package intuitor.eval.answer;

import java.util.Arrays;
import java.util.stream.IntStream;

/** Which of several answers to a question is chosen without knowing the right one. */
public final class Vote {

    /** Instead of a group, for who gives no answer: it has no vote; and the outcome where nobody votes. */
    public static final int NONE = -1;

    /** Power of the Borda vote's weights (Kang et al., arXiv 2502.18581). */
    private static final double BORDA_POWER = 1;

    private Vote() { }

    /**
     * The group with most votes, the first of those that have as many.
     *
     * @param groups for each voter the number of its answer, from 0 up and less than their count, or {@link #NONE}
     */
    public static int majority(int[] groups) {
        double[] one = new double[groups.length];
        Arrays.fill(one, 1);
        return elect(groups, one);
    }

    /**
     * The group that wins where votes count (N - rank + 1)^p, by the voters' rank in self-certainty: best-of-N of Kang
     * et al., arXiv 2502.18581.
     */
    public static int borda(int[] groups, double[] selfCertainty) {
        int n = groups.length;
        double[] weights = new double[n];
        for (int i = 0; i < n; i++) {
            double own = selfCertainty[i];
            int before = i;
            long rank = 1 + IntStream.range(0, n)
                    .filter(j -> selfCertainty[j] > own || j < before && selfCertainty[j] == own).count();
            weights[i] = Math.pow(n - rank + 1, BORDA_POWER);
        }
        return elect(groups, weights);
    }

    /** The place of the highest self-certainty, the first of equal ones. */
    public static int mostCertain(double[] selfCertainty) {
        return IntStream.range(0, selfCertainty.length)
                .reduce((a, b) -> selfCertainty[b] > selfCertainty[a] ? b : a).orElseThrow();
    }

    private static int elect(int[] groups, double[] weights) {
        double[] votes = new double[groups.length];
        int best = NONE;
        for (int i = 0; i < groups.length; i++) {
            if (groups[i] != NONE) {
                votes[groups[i]] += weights[i];
            }
        }
        for (int g = 0; g < votes.length; g++) {
            best = votes[g] > (best == NONE ? 0 : votes[best]) ? g : best;
        }
        return best;
    }
}
