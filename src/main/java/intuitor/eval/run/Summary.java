package intuitor.eval.run;

import intuitor.eval.task.Task;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/**
 * What a benchmark came to.
 *
 * @param task       its name
 * @param problems   answered
 * @param samples    completions of each
 * @param measures   accuracy first, then pass@k, maj@n, best@n and borda@n, each with its interval over the problems;
 *                   empty where a judge decides
 * @param meanTokens of a completion
 * @param stopped    share of completions that came to an end
 * @param unanswered share of completions without an answer
 * @param promptsCut problems whose prompt was too long for the model
 */
public record Summary(String task, int problems, int samples, Map<String, Estimate> measures, double meanTokens,
                      double stopped, double unanswered, int promptsCut) {

    /** Name of the share of right completions. */
    public static final String ACCURACY = "accuracy";

    /** @param results all completions, those of a problem one after the other; at least one */
    public static Summary of(Task task, List<Result> results) {
        List<List<Result>> problems = problems(results);
        int n = problems.getFirst().size();
        Map<String, Estimate> measures = new LinkedHashMap<>();
        if (results.getFirst().correct() != null) {
            measures.put(ACCURACY, over(problems, p -> (double) right(p) / p.size()));
            for (int k = 2; k <= n; k *= 2) {
                int chosen = k;
                measures.put("pass@" + k, over(problems, p -> Choosing.passAtK(p.size(), right(p), chosen)));
            }
            if (n > 1) {
                List<Votes> votes = task.hasAnswers() ? votes(problems, task) : List.of();
                if (task.hasAnswers()) {
                    measures.put("maj@" + n, share(votes, Votes::majority));
                }
                measures.put("best@" + n, over(problems, p -> Choosing.mostCertain(p) ? 1 : 0));
                if (task.hasAnswers()) {
                    measures.put("borda@" + n, share(votes, Votes::borda));
                }
            }
        }
        return new Summary(task.name(), problems.size(), n, measures,
                results.stream().mapToInt(Result::tokens).average().orElseThrow(),
                share(results, r -> r.stopped() ? 1 : 0), share(results, r -> r.answer() == null ? 1 : 0),
                (int) problems.stream().filter(p -> p.getFirst().promptCut()).count());
    }

    /** Whether a problem's votes elect a right answer. */
    private record Votes(boolean majority, boolean borda) { }

    /** Answers are compared once for both votes, the problems' on all processors: a comparison may take seconds. */
    private static List<Votes> votes(List<List<Result>> problems, Task task) {
        return problems.parallelStream().map(p -> {
            int[] groups = Choosing.groups(p, task::sameAnswer);
            return new Votes(Choosing.majority(p, groups), Choosing.borda(p, groups));
        }).toList();
    }

    private static Estimate share(List<Votes> votes, Predicate<Votes> right) {
        return Estimate.of(votes.stream().mapToDouble(v -> right.test(v) ? 1 : 0).toArray());
    }

    private static int right(List<Result> samples) {
        return (int) samples.stream().filter(Result::correct).count();
    }

    private static Estimate over(List<List<Result>> problems, ToDoubleFunction<List<Result>> measure) {
        return Estimate.of(problems.stream().mapToDouble(measure).toArray());
    }

    private static double share(List<Result> results, ToDoubleFunction<Result> value) {
        return results.stream().mapToDouble(value).average().orElseThrow();
    }

    /** A problem begins with its first sample. */
    private static List<List<Result>> problems(List<Result> results) {
        List<List<Result>> problems = new ArrayList<>();
        for (Result r : results) {
            if (r.sample() == 0) {
                problems.add(new ArrayList<>());
            }
            problems.getLast().add(r);
        }
        return problems;
    }
}
