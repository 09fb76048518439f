package intuitor.eval.run;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiPredicate;
import java.util.stream.IntStream;

/** Measures over several completions of a problem. */
final class Choosing {

    /** Power of the Borda vote's weights, (N - rank + 1)^p (Kang et al., arXiv 2502.18581). */
    private static final double BORDA_POWER = 1;

    /** The group of a sample without an answer: it has no vote. */
    static final int NO_ANSWER = -1;

    private Choosing() { }

    /** Unbiased estimate of the chance that one of k completions is right (Chen et al., arXiv 2107.03374). */
    static double passAtK(int n, int right, int k) {
        double allWrong = 1;
        for (int i = n - right + 1; i <= n; i++) {
            allWrong *= 1 - (double) k / i;
        }
        return n - right < k ? 1 : 1 - allWrong;
    }

    /**
     * Which samples have the same answer: for each the place of the first one with that answer, or {@link #NO_ANSWER}.
     * Equal texts are not compared again.
     */
    static int[] groups(List<Result> samples, BiPredicate<String, String> same) {
        Map<String, Integer> known = new HashMap<>();
        List<Integer> firsts = new ArrayList<>();
        int[] groups = new int[samples.size()];
        for (int i = 0; i < groups.length; i++) {
            int place = i;
            String answer = samples.get(i).answer();
            groups[i] = answer == null ? NO_ANSWER : known.computeIfAbsent(answer, a -> firsts.stream()
                    .filter(f -> same.test(samples.get(f).answer(), a)).findFirst().orElse(place));
            if (groups[i] == i) {
                firsts.add(i);
            }
        }
        return groups;
    }

    /** Whether the most frequent answer is right; of equally frequent ones the one that came first. */
    static boolean majority(List<Result> samples, int[] groups) {
        return vote(samples, groups, IntStream.range(0, samples.size()).mapToDouble(i -> 1).toArray());
    }

    /** Whether the completion with the highest self-certainty is right. */
    static boolean mostCertain(List<Result> samples) {
        return samples.stream().max(Comparator.comparingDouble(Result::selfCertainty)
                .thenComparing(Comparator.comparingInt(Result::sample).reversed())).orElseThrow().correct();
    }

    /**
     * Whether the answer is right that wins when completions vote with weights that fall with their rank in
     * self-certainty.
     */
    static boolean borda(List<Result> samples, int[] groups) {
        int n = samples.size();
        double[] weights = new double[n];
        for (int i = 0; i < n; i++) {
            double own = samples.get(i).selfCertainty();
            int before = i;
            long rank = 1 + IntStream.range(0, n).filter(j -> samples.get(j).selfCertainty() > own
                    || j < before && samples.get(j).selfCertainty() == own).count();
            weights[i] = Math.pow(n - rank + 1, BORDA_POWER);
        }
        return vote(samples, groups, weights);
    }

    private static boolean vote(List<Result> samples, int[] groups, double[] weights) {
        double[] votes = new double[groups.length];
        int best = NO_ANSWER;
        for (int i = 0; i < groups.length; i++) {
            if (groups[i] != NO_ANSWER) {
                votes[groups[i]] += weights[i];
            }
        }
        for (int g = 0; g < votes.length; g++) {
            best = votes[g] > (best == NO_ANSWER ? 0 : votes[best]) ? g : best;
        }
        return best != NO_ANSWER && samples.get(best).correct();
    }
}
