package intuitor.data;

import intuitor.UserError;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import tools.jackson.databind.json.JsonMapper;

/** Sets of different arithmetic problems, and their JSONL files: what {@link PromptSet} reads. */
public final class ProblemSet {

    /** So many repeats in a row mean that there is nothing new. */
    private static final int REPEATS = 10_000;
    private static final JsonMapper JSON = new JsonMapper();

    private ProblemSet() { }

    /** {@code count} different problems, all held out or none, of these kinds. */
    public static Set<ArithmeticProblem> of(ProblemSetConfig config) {
        ProblemGenerator generator = new ProblemGenerator(config.seed());
        return different(config.count(), () -> config.kinds().isEmpty() ? generator.next(config.heldOut())
                : generator.next(config.heldOut(), config.problemKinds()));
    }

    /**
     * The first {@code count} problems that a generator draws, repeated questions left out.
     *
     * @throws UserError if it hardly draws anything new any more
     */
    static Set<ArithmeticProblem> different(int count, Supplier<ArithmeticProblem> generator) {
        Set<String> seen = new HashSet<>();
        Set<ArithmeticProblem> chosen = new LinkedHashSet<>();
        int repeated = 0;
        while (chosen.size() < count) {
            ArithmeticProblem problem = generator.get();
            if (seen.add(problem.question())) {
                chosen.add(problem);
                repeated = 0;
            } else if (++repeated == REPEATS) {
                throw new UserError("count: these kinds have about " + chosen.size()
                        + " different problems, fewer than " + count);
            }
        }
        return chosen;
    }

    /** The problems as JSONL: {@code prompt}, and {@code answer} where it is wanted. */
    public static String jsonLines(Collection<ArithmeticProblem> problems, boolean withAnswers) {
        return problems.stream().map(problem -> JSON.writeValueAsString(fields(problem, withAnswers)))
                .collect(Collectors.joining("\n", "", "\n"));
    }

    private static Map<String, String> fields(ArithmeticProblem problem, boolean withAnswer) {
        return withAnswer ? new TreeMap<>(Map.of("prompt", problem.prompt(), "answer", "" + problem.answer()))
                : Map.of("prompt", problem.prompt());
    }
}
