package intuitor.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.data.ArithmeticProblem.Step;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ArithmeticCorpusTest {
    private static final Pattern EQUATION = Pattern.compile("(\\d+(?: [-+*/] \\d+)+) = (\\d+)");

    @Test
    void everyNumberOfAProblemLiesBetween1And99() {
        ProblemGenerator generator = new ProblemGenerator(1);
        for (int i = 0; i < 20_000; i++) {
            ArithmeticProblem problem = generator.next(false);
            for (Step step : problem.steps()) {
                for (int number : new int[] {step.a(), step.b(), step.result()}) {
                    assertTrue(number >= 1 && number <= 99, problem.toString());
                }
                if (step.operator() == '/') {
                    assertEquals(step.a(), step.result() * step.b(), problem.toString());
                }
            }
        }
    }

    @Test
    void carefulSolutionsAreRightInEveryEquation() {
        SolutionWriter careful = new SolutionWriter(2, new SolutionWriter.Mix(1, 0, 0, 0, 0));
        ProblemGenerator generator = new ProblemGenerator(3);
        for (int i = 0; i < 5_000; i++) {
            ArithmeticProblem problem = generator.next(false);
            String solution = careful.write(problem);
            assertTrue(solution.endsWith("\n#### " + problem.answer()), solution);
            Matcher equations = EQUATION.matcher(solution);
            int found = 0;
            while (equations.find()) {
                found++;
                assertEquals(value(equations.group(1)), Integer.parseInt(equations.group(2)), solution);
            }
            assertTrue(found >= 1, solution);
        }
    }

    @Test
    void columnArithmeticCarriesAndBorrows() {
        assertEquals("47 + 38: 7 + 8 = 15, 4 + 3 + 1 = 8, so 85", SolutionWriter.column(new Step(47, '+', 38)));
        assertEquals("52 - 17: 12 - 7 = 5, 4 - 1 = 3, so 35", SolutionWriter.column(new Step(52, '-', 17)));
        assertEquals("40 + 7: 0 + 7 = 7, 4, so 47", SolutionWriter.column(new Step(40, '+', 7)));
        assertEquals("6 * 7 = 42", SolutionWriter.column(new Step(6, '*', 7)));
    }

    @Test
    void guessesAndSlipsAreRightAsOftenAsTheMixSays() {
        SolutionWriter guesses = new SolutionWriter(4, new SolutionWriter.Mix(0, 1, 0, 0.15, 0));
        ProblemGenerator generator = new ProblemGenerator(5);
        int right = 0;
        int n = 20_000;
        for (int i = 0; i < n; i++) {
            ArithmeticProblem problem = generator.next(false);
            right += guesses.write(problem).endsWith("\n#### " + problem.answer()) ? 1 : 0;
        }
        assertEquals(0.15, (double) right / n, 0.01);
    }

    @Test
    void worksheetsHoldRightFacts() {
        ArithmeticCorpus corpus = new ArithmeticCorpus(1, 1, SolutionWriter.Mix.DEFAULT);
        Pattern fact = Pattern.compile("(\\d+ [-+*/] \\d+) = (\\d+)");
        for (int i = 0; i < 1000; i++) {
            Matcher facts = fact.matcher(corpus.next().text());
            int found = 0;
            while (facts.find()) {
                found++;
                assertEquals(value(facts.group(1)), Integer.parseInt(facts.group(2)), facts.group());
            }
            assertEquals(12, found);
        }
    }

    @Test
    void heldOutProblemsNeverOccurInTheCorpus() {
        Set<String> heldOut = ArithmeticCorpus.problems(300, true, 6).stream()
                .map(ArithmeticProblem::prompt).collect(Collectors.toSet());
        assertEquals(300, heldOut.size());
        ArithmeticCorpus corpus = new ArithmeticCorpus(7, 0.1, SolutionWriter.Mix.DEFAULT);
        for (int i = 0; i < 50_000; i++) {
            assertFalse(heldOut.contains(corpus.next().prompt()));
        }
        for (ArithmeticProblem problem : ArithmeticCorpus.problems(300, false, 6)) {
            assertFalse(heldOut.contains(problem.prompt()));
        }
    }

    @Test
    void theSameSeedGivesTheSameCorpus() {
        assertEquals(texts(8), texts(8));
        assertNotEquals(texts(8), texts(9));
    }

    private static List<String> texts(long seed) {
        ArithmeticCorpus corpus = new ArithmeticCorpus(seed, 0.1, SolutionWriter.Mix.DEFAULT);
        return IntStream.range(0, 100).mapToObj(i -> corpus.next().text()).toList();
    }

    /** Left to right, which is right for the sums and single operations that solutions contain. */
    private static int value(String expression) {
        Matcher m = Pattern.compile("([-+*/]?) ?(\\d+)").matcher(expression);
        int value = 0;
        while (m.find()) {
            int x = Integer.parseInt(m.group(2));
            value = switch (m.group(1)) {
                case "-" -> value - x;
                case "*" -> value * x;
                case "/" -> value / x;
                default -> value + x;
            };
        }
        return value;
    }
}
