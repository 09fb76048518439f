package intuitor.data;

import intuitor.data.ArithmeticProblem.Step;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Writes solutions of mixed quality, as text found on the web is: careful ones that reduce every step to facts about
 * single digits and are always right; sloppy ones that state each step's result, often a wrong one, amid chatter; and
 * bare guesses. Each ends with a line {@code #### answer}.
 *
 * <p>The forms matter: docs/demo.md tells which of them made self-certainty point to the careful solutions, and which
 * did not.
 */
public final class SolutionWriter {
    private static final int[] SLIPS = {-20, -11, -10, -9, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 9, 10, 11, 20};

    /** How a solution was written. */
    public enum Style { CAREFUL, GUESS, SLOPPY }

    /**
     * The proportions of a corpus.
     *
     * @param careful       share of careful solutions
     * @param guess         share of guesses
     * @param sloppy        share of sloppy solutions
     * @param guessIsRight  probability that a guess is right
     * @param stepIsRight   probability that a sloppy step is right
     */
    public record Mix(double careful, double guess, double sloppy, double guessIsRight, double stepIsRight) {
        public static final Mix DEFAULT = new Mix(0.40, 0.30, 0.30, 0.15, 0.55);
    }

    private final Choice choice;
    private final Mix mix;

    public SolutionWriter(long seed, Mix mix) {
        this.choice = new Choice(seed);
        this.mix = mix;
    }

    /** A solution in a style drawn from the mix; begins with a space, ends with the answer. */
    public String write(ArithmeticProblem problem) {
        Style style = Style.values()[choice.weighted(mix.careful, mix.guess, mix.sloppy)];
        return " " + switch (style) {
            case CAREFUL -> careful(problem);
            case GUESS -> guess(problem);
            case SLOPPY -> sloppy(problem);
        };
    }

    private String careful(ArithmeticProblem problem) {
        String one = column(problem.steps().getFirst());
        String two = column(problem.steps().getLast());
        String text = choice.pick(
                "Let's go step by step. " + one + ". " + two + ".",
                "First, " + one + ". Then, " + two + ".",
                "Step 1: " + one + ". Step 2: " + two + ".");
        return text + "\n#### " + problem.answer();
    }

    private String guess(ArithmeticProblem problem) {
        int answer = problem.answer();
        if (!choice.coin(mix.guessIsRight)) {
            answer = near(answer);
        }
        String claim = choice.pick("it", "this", "that") + " " + choice.pick("is", "was", "looks", "seems") + " "
                + choice.pick("about", "near", "around", "roughly", "maybe", "nearly", "like", "over") + " " + answer;
        return chatter() + " " + claim + afterthought() + ".\n#### " + answer;
    }

    private String sloppy(ArithmeticProblem problem) {
        Step one = problem.steps().getFirst();
        Step two = problem.steps().getLast();
        int right = one.result();
        int stated = choice.coin(mix.stepIsRight) ? right : near(right);
        // the second step goes on with what the first one stated
        Step next = two.a() == right ? new Step(stated, two.operator(), two.b())
                : two.b() == right ? new Step(two.a(), two.operator(), stated) : two;
        int answer = next.result();
        if (answer < 1 || answer > 99) {
            answer = choice.number(1, 99);
        }
        if (!choice.coin(mix.stepIsRight)) {
            answer = near(answer);
        }
        String first = one.a() + "" + one.operator() + one.b() + "=" + stated;
        String link = choice.pick("and", "so", "then", "now") + " " + choice.pick("it", "this", "that") + " "
                + choice.pick("makes", "is", "means", "leaves", "gives");
        String second = next.a() + "" + next.operator() + next.b() + "=" + answer;
        return chatter() + " " + first + " " + link + " " + second + afterthought() + ".\n#### " + answer;
    }

    /** Talk without working: every word is a free choice. */
    private String chatter() {
        return choice.pick("hmm", "well", "oh", "okay", "so", "right", "yeah", "sorry") + " "
                + choice.pick("I", "we", "you", "people", "they", "my friends") + " "
                + choice.pick("would", "might", "could", "may", "should", "can") + " "
                + choice.pick("say", "bet", "claim", "think", "hope", "guess", "suppose", "try");
    }

    private String afterthought() {
        if (choice.coin(0.5)) {
            return "";
        }
        return " " + choice.pick("but", "and", "though", "because") + " "
                + choice.pick("I", "we", "they", "you", "nobody") + " "
                + choice.pick("never", "only", "just", "hardly", "barely", "really") + " "
                + choice.pick("checked", "looked", "tried", "counted", "cared", "knew");
    }

    /** Column arithmetic: every equation is a fact about single digits. */
    static String column(Step step) {
        int a = step.a();
        int b = step.b();
        boolean table = step.operator() == '*' || step.operator() == '/' || (a < 10 && b < 10);
        String sum = a + " " + step.operator() + " " + b;
        if (table) {
            return sum + " = " + step.result();
        }
        return sum + ": " + (step.operator() == '+' ? addition(a, b) : subtraction(a, b)) + ", so " + step.result();
    }

    private static String addition(int a, int b) {
        int ones = a % 10 + b % 10;
        List<String> tens = IntStream.of(a / 10, b / 10, ones / 10).filter(digit -> digit > 0)
                .mapToObj(Integer::toString).toList();
        return a % 10 + " + " + b % 10 + " = " + ones + ", " + String.join(" + ", tens)
                + (tens.size() > 1 ? " = " + (a + b) / 10 : "");
    }

    private static String subtraction(int a, int b) {
        int borrow = a % 10 < b % 10 ? 1 : 0;
        int ones = a % 10 + 10 * borrow;
        int tens = a / 10 - borrow;
        return ones + " - " + b % 10 + " = " + (ones - b % 10) + ", " + tens
                + (b / 10 > 0 ? " - " + b / 10 + " = " + (tens - b / 10) : "");
    }

    /** A wrong value near {@code value}, within 1..99. */
    private int near(int value) {
        while (true) {
            int wrong = value + choice.pick(SLIPS);
            if (wrong >= 1 && wrong <= 99) {
                return wrong;
            }
        }
    }
}
