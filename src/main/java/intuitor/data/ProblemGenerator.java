package intuitor.data;

import static intuitor.data.ProblemKind.COMPARISON;
import static intuitor.data.ProblemKind.EXPRESSION;
import static intuitor.data.ProblemKind.GAIN_THEN_LOSS;
import static intuitor.data.ProblemKind.GROUPS_AND_LESS;
import static intuitor.data.ProblemKind.GROUPS_AND_MORE;
import static intuitor.data.ProblemKind.LOSS_THEN_GAIN;
import static intuitor.data.ProblemKind.SEQUENCE;
import static intuitor.data.ProblemKind.SHARING;
import static intuitor.data.ProblemKind.THREE_PARTS;

import intuitor.data.ArithmeticProblem.Step;
import java.util.List;
import java.util.function.Supplier;

/**
 * Draws arithmetic problems of the kinds of {@link ProblemKind}: word problems, number sequences and bare
 * expressions. The same seed gives the same problems.
 */
public final class ProblemGenerator {
    private static final List<String> BOYS = List.of("Tom", "Ben", "Sam", "Max", "Leo");
    private static final List<String> GIRLS = List.of("Ann", "Mia", "Zoe", "Eva", "Lily");
    private static final List<String> THINGS =
            List.of("apples", "pens", "books", "cards", "coins", "eggs", "shells", "stamps");

    /** As often as the corpus has each kind. */
    private static final List<ProblemKind> CORPUS = List.of(GAIN_THEN_LOSS, GAIN_THEN_LOSS, LOSS_THEN_GAIN, COMPARISON,
            GROUPS_AND_MORE, GROUPS_AND_LESS, SHARING, SEQUENCE, EXPRESSION, THREE_PARTS);

    private final Choice choice;

    public ProblemGenerator(long seed) {
        this.choice = new Choice(seed);
    }

    /** The next problem of the corpus's kinds and of the set wanted: held-out ones only, or all others. */
    public ArithmeticProblem next(boolean heldOut) {
        return next(heldOut, () -> CORPUS.get(choice.number(0, CORPUS.size() - 1)));
    }

    /** The next problem of one of these kinds, each as likely as the others. */
    public ArithmeticProblem next(boolean heldOut, List<ProblemKind> kinds) {
        return next(heldOut, () -> kinds.get(choice.number(0, kinds.size() - 1)));
    }

    private ArithmeticProblem next(boolean heldOut, Supplier<ProblemKind> kind) {
        while (true) {
            ArithmeticProblem problem = draw(kind);
            if (problem.heldOut() == heldOut) {
                return problem;
            }
        }
    }

    private ArithmeticProblem draw(Supplier<ProblemKind> kind) {
        String n = choice.pick(BOYS);
        String m = choice.pick(GIRLS);
        String he = "He";
        if (choice.coin(0.5)) {
            String swap = n;
            n = m;
            m = swap;
            he = "She";
        }
        String o = choice.pick(THINGS);
        return switch (kind.get()) {
            case GAIN_THEN_LOSS -> gainThenLoss(n, m, he, o);
            case LOSS_THEN_GAIN -> lossThenGain(n, he, o);
            case COMPARISON -> comparison(n, m, o);
            case GROUPS_AND_MORE -> groupsAndMore(n, m, o);
            case GROUPS_AND_LESS -> groupsAndLess(n, m, he, o);
            case SHARING -> sharing(n, o);
            case SEQUENCE -> sequence();
            case EXPRESSION -> expression();
            case THREE_PARTS -> threeParts(n, o);
        };
    }

    private ArithmeticProblem gainThenLoss(String n, String m, String he, String o) {
        int a = choice.number(12, 60);
        int b = choice.number(5, Math.min(38, 99 - a));
        int c = choice.number(3, Math.min(a + b - 2, 49));
        String question = choice.pick(
                n + " has " + a + " " + o + ". " + he + " buys " + b + " more and gives " + c + " to " + m
                        + ". How many " + o + " does " + n + " have now?",
                "There are " + a + " " + o + " in a box and " + b + " " + o + " in a bag. " + n + " takes " + c
                        + " of them. How many " + o + " are left?",
                n + " had " + a + " " + o + ", got " + b + " more from " + m + " and lost " + c + ". How many " + o
                        + " are left?");
        return problem(question, new Step(a, '+', b), new Step(a + b, '-', c));
    }

    private ArithmeticProblem lossThenGain(String n, String he, String o) {
        int a = choice.number(15, 80);
        int b = choice.number(3, a - 5);
        int c = choice.number(4, Math.min(38, 99 - a + b));
        String question = choice.pick(
                n + " has " + a + " " + o + ". " + he + " sells " + b + " and then finds " + c + " more. How many " + o
                        + " does " + n + " have now?",
                "A shop has " + a + " " + o + ". It sells " + b + " and gets " + c + " new ones. How many " + o
                        + " are in the shop?");
        return problem(question, new Step(a, '-', b), new Step(a - b, '+', c));
    }

    private ArithmeticProblem comparison(String n, String m, String o) {
        int a = choice.number(8, 38);
        int b = choice.number(3, 20);
        String question = choice.pick(
                n + " has " + a + " " + o + ". " + m + " has " + b + " more than " + n + ". How many " + o
                        + " do they have together?",
                n + " has " + a + " " + o + " and " + m + " has " + b + " more. How many " + o
                        + " do they have in total?");
        return problem(question, new Step(a, '+', b), new Step(a, '+', a + b));
    }

    private ArithmeticProblem groupsAndMore(String n, String m, String o) {
        int a = choice.number(2, 9);
        int b = choice.number(2, 9);
        int c = choice.number(2, Math.min(30, 99 - a * b));
        String question = choice.pick(
                n + " packs " + a + " boxes with " + b + " " + o + " each and has " + c + " " + o
                        + " left over. How many " + o + " are there?",
                n + " has " + a + " bags of " + b + " " + o + ". " + m + " has " + c + " " + o + ". How many " + o
                        + " do they have together?");
        return problem(question, new Step(a, '*', b), new Step(a * b, '+', c));
    }

    private ArithmeticProblem groupsAndLess(String n, String m, String he, String o) {
        int a = choice.number(2, 9);
        int b = choice.number(3, 9);
        int c = choice.number(2, a * b - 2);
        String question = choice.pick(
                n + " buys " + a + " boxes with " + b + " " + o + " each. " + he + " gives " + c + " to " + m
                        + ". How many " + o + " are left?",
                "There are " + a + " rows of " + b + " " + o + ". " + n + " takes " + c + " of them. How many " + o
                        + " are left?");
        return problem(question, new Step(a, '*', b), new Step(a * b, '-', c));
    }

    private ArithmeticProblem sharing(String n, String o) {
        int a = choice.number(2, 9);
        int b = choice.number(2, 9);
        int c = choice.number(5, 60);
        String question = choice.pick(
                n + " shares " + a * b + " " + o + " equally among " + a + " friends. Each friend had " + c
                        + " before. How many " + o + " does each have now?",
                a * b + " " + o + " are put into " + a + " equal bags. " + n + " takes one bag and has " + c + " more "
                        + o + " at home. How many " + o + " does " + n + " have?");
        return problem(question, new Step(a * b, '/', a), new Step(b, '+', c));
    }

    private ArithmeticProblem sequence() {
        int d = choice.number(2, 12);
        int s = choice.number(3, Math.min(45, 99 - 4 * d));
        boolean falling = choice.coin(0.5);
        int first = falling ? s + 4 * d : s;
        int step = falling ? -d : d;
        String terms = first + ", " + (first + step) + ", " + (first + 2 * step) + ", " + (first + 3 * step);
        String question = choice.pick("What is the next number? ", "Continue: ", "Which number comes next? ") + terms;
        return falling
                ? problem(question, new Step(first, '-', first - d), new Step(first - 3 * d, '-', d))
                : problem(question, new Step(first + d, '-', first), new Step(first + 3 * d, '+', d));
    }

    private ArithmeticProblem expression() {
        String expression;
        Step one;
        Step two;
        if (choice.coin(0.5)) {
            int a = choice.number(12, 60);
            int b = choice.number(5, Math.min(38, 99 - a));
            int c = choice.number(3, Math.min(a + b - 2, 49));
            expression = a + " + " + b + " - " + c;
            one = new Step(a, '+', b);
            two = new Step(a + b, '-', c);
        } else {
            int a = choice.number(2, 9);
            int b = choice.number(2, 9);
            int c = choice.number(2, Math.min(30, 99 - a * b));
            expression = a + " * " + b + " + " + c;
            one = new Step(a, '*', b);
            two = new Step(a * b, '+', c);
        }
        return problem(choice.pick("What is " + expression + "?", "Compute " + expression + "."), one, two);
    }

    private ArithmeticProblem threeParts(String n, String o) {
        int a = choice.number(5, 35);
        int b = choice.number(5, 30);
        int c = choice.number(5, 30);
        String question = choice.pick(
                n + " read " + a + " pages on Monday, " + b + " on Tuesday and " + c
                        + " on Friday. How many pages did " + n + " read?",
                "A farm sold " + a + " " + o + " on Monday, " + b + " on Tuesday and " + c + " on Friday. How many " + o
                        + " did it sell?");
        return problem(question, new Step(a, '+', b), new Step(a + b, '+', c));
    }

    private static ArithmeticProblem problem(String question, Step one, Step two) {
        return new ArithmeticProblem(question, List.of(one, two));
    }
}
