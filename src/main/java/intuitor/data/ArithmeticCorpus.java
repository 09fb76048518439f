package intuitor.data;

import java.util.Set;

/**
 * The corpus of the demo's base model: an endless, seeded stream of problems with solutions of mixed quality, and some
 * worksheets of single-digit facts.
 */
public final class ArithmeticCorpus {
    private static final String WORKSHEET = "Worksheet:";

    private final Choice choice;
    private final double worksheets;
    private final ProblemGenerator problems;
    private final SolutionWriter solutions;

    /** One training text: the prompt, and what follows it: a solution that may be wrong. */
    public record Document(String prompt, String solution) {
        public String text() {
            return prompt + solution;
        }
    }

    /** @param worksheets share of documents that are worksheets */
    public ArithmeticCorpus(long seed, double worksheets, SolutionWriter.Mix mix) {
        this.choice = new Choice(3 * seed);
        this.worksheets = worksheets;
        this.problems = new ProblemGenerator(3 * seed + 1);
        this.solutions = new SolutionWriter(3 * seed + 2, mix);
    }

    /** The next document; never about a held-out problem. */
    public Document next() {
        if (choice.coin(worksheets)) {
            return new Document(WORKSHEET, Worksheet.write(choice));
        }
        ArithmeticProblem problem = problems.next(false);
        return new Document(problem.prompt(), solutions.write(problem));
    }

    /** {@code count} different problems, all held out or none, for training on prompts and for evaluation. */
    public static Set<ArithmeticProblem> problems(int count, boolean heldOut, long seed) {
        ProblemGenerator generator = new ProblemGenerator(seed);
        return ProblemSet.different(count, () -> generator.next(heldOut));
    }
}
