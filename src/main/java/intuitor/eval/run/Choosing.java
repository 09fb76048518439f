package intuitor.eval.run;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.BiPredicate;
import java.util.stream.IntStream;

/** Measures over several completions of a problem. */
final class Choosing {

    /** Power of the Borda vote's weights, (N - rank + 1)^p (Kang et al., arXiv 2502.18581). */
    private static final double BORDA_POWER = 1;

    private Choosing() { }

    /** Unbiased estimate of the chance that one of k completions is right (Chen et al., arXiv 2107.03374). */
    static double passAtK(int n, int right, int k) {
        double allWrong = 1;
        for (int i = n - right + 1; i <= n; i++) {
            allWrong *= 1 - (double) k / i;
        }
        return n - right < k ? 1 : 1 - allWrong;
    }

    /** Whether the most frequent answer is right; of equally frequent ones the one that came first. */
    static boolean majority(List<Result> samples, BiPredicate<String, String> same) {
        return vote(samples, same, IntStream.range(0, samples.size()).mapToDouble(i -> 1).toArray());
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
    static boolean borda(List<Result> samples, BiPredicate<String, String> same) {
        int n = samples.size();
        double[] weights = new double[n];
        for (int i = 0; i < n; i++) {
            double own = samples.get(i).selfCertainty();
            int before = i;
            long rank = 1 + IntStream.range(0, n).filter(j -> samples.get(j).selfCertainty() > own
                    || j < before && samples.get(j).selfCertainty() == own).count();
            weights[i] = Math.pow(n - rank + 1, BORDA_POWER);
        }
        return vote(samples, same, weights);
    }

    private static boolean vote(List<Result> samples, BiPredicate<String, String> same, double[] weights) {
        List<Integer> first = new ArrayList<>();
        List<Double> votes = new ArrayList<>();
        for (int i = 0; i < samples.size(); i++) {
            String answer = samples.get(i).answer();
            if (answer == null) {
                continue;
            }
            int group = 0;
            while (group < first.size() && !same.test(samples.get(first.get(group)).answer(), answer)) {
                group++;
            }
            if (group == first.size()) {
                first.add(i);
                votes.add(0.0);
            }
            votes.set(group, votes.get(group) + weights[i]);
        }
        int best = -1;
        for (int g = 0; g < votes.size(); g++) {
            best = best < 0 || votes.get(g) > votes.get(best) ? g : best;
        }
        return best >= 0 && samples.get(first.get(best)).correct();
    }
}
