package intuitor.eval.run;

import intuitor.eval.answer.Vote;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiPredicate;

/** Measures over several completions of a problem. */
final class Choosing {

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
     * Which samples have the same answer: for each the place of the first one with that answer, or {@link Vote#NONE}.
     * Equal texts are not compared again.
     */
    static int[] groups(List<Result> samples, BiPredicate<String, String> same) {
        Map<String, Integer> known = new HashMap<>();
        List<Integer> firsts = new ArrayList<>();
        int[] groups = new int[samples.size()];
        for (int i = 0; i < groups.length; i++) {
            int place = i;
            String answer = samples.get(i).answer();
            groups[i] = answer == null ? Vote.NONE : known.computeIfAbsent(answer, a -> firsts.stream()
                    .filter(f -> same.test(samples.get(f).answer(), a)).findFirst().orElse(place));
            if (groups[i] == i) {
                firsts.add(i);
            }
        }
        return groups;
    }

    /** Whether the most frequent answer is right; of equally frequent ones the one that came first. */
    static boolean majority(List<Result> samples, int[] groups) {
        return isRight(samples, Vote.majority(groups));
    }

    /** Whether the completion with the highest self-certainty is right. */
    static boolean mostCertain(List<Result> samples) {
        return samples.get(Vote.mostCertain(certainties(samples))).correct();
    }

    /** Whether the answer is right that wins a {@link Vote#borda}. */
    static boolean borda(List<Result> samples, int[] groups) {
        return isRight(samples, Vote.borda(groups, certainties(samples)));
    }

    private static boolean isRight(List<Result> samples, int elected) {
        return elected != Vote.NONE && samples.get(elected).correct();
    }

    private static double[] certainties(List<Result> samples) {
        return samples.stream().mapToDouble(Result::selfCertainty).toArray();
    }
}
