package intuitor.eval.answer;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Whether two answers, in LaTeX or plain, mean the same: numbers and formulas by value, sets without order, tuples with
 * order, intervals, relations, matrices, units and words by the rules of docs/evaluation-answers.md. Never throws for
 * any input and never takes longer than its limit; what cannot be read is compared as a string.
 */
public final class Equivalence {
    /** The time for one comparison unless another is given. A comparison that needs longer finds no equality. */
    public static final Duration LIMIT = Duration.ofSeconds(5);

    /** Answers longer than this are compared as strings. */
    static final int MAX_LENGTH = 4000;

    /** The clock is asked between steps; what is left covers the longest single step. */
    private static final double SHARE = 0.8;

    /** {@code \textbf{(B)}\ 5}: a letter of choice with its value. */
    private static final Pattern CHOICE_AND_VALUE = Pattern.compile(
            "(?:\\\\(?:text|textbf|mathrm|mathbf)\\s*\\{\\s*\\(([A-J])\\)\\s*\\}|\\(([A-J])\\)(?=\\s|\\\\ ))"
                    + "(?:\\s|~|\\\\ |\\\\[,;:!]|\\\\quad)*(\\S.*)", Pattern.DOTALL);

    private Equivalence() { }

    /** Equality by {@link Rules#STRICT} within {@link #LIMIT}. */
    public static boolean equal(String reference, String answer) {
        return equal(reference, answer, Rules.STRICT, LIMIT);
    }

    /**
     * Whether an answer equals the reference. An empty answer equals nothing.
     *
     * @param reference the answer known to be right, without the text around it
     * @param answer    the answer to judge, without the text around it
     * @param rules     how strict; only {@link Rules#BENCHMARK} makes a difference between reference and answer
     * @param limit     time; when it is over the answers count as different
     */
    public static boolean equal(String reference, String answer, Rules rules, Duration limit) {
        if (reference == null || answer == null || reference.isBlank() || answer.isBlank()) {
            return false;
        }
        if (reference.strip().equals(answer.strip())) {
            return true;
        }
        Budget budget = new Budget(Duration.ofNanos((long) (limit.toNanos() * SHARE)));
        try {
            return decide(reference, answer, rules, budget);
        } catch (RuntimeException | StackOverflowError undecided) {
            // a scorer must not end for one strange answer; AnswerFuzzTest sees to it that nothing gets here
            return false;
        }
    }

    /**
     * Whether an answer is compared by what it means: as a formula, a choice or a phrase. Any other text equals only
     * itself. As {@link #equal}, never throws.
     */
    public static boolean readable(String answer) {
        if (answer == null || answer.isBlank() || answer.length() > MAX_LENGTH) {
            return false;
        }
        try {
            String s = Notation.normalise(trimmed(answer));
            return Text.choice(s) != 0 || CHOICE_AND_VALUE.matcher(s).matches() || Text.isProse(s)
                    || parsed(s, new Budget(LIMIT)) != null;
        } catch (RuntimeException | StackOverflowError undecided) {
            return false;
        }
    }

    /** As {@link #equal}, but errors in the comparison itself come out. */
    static boolean decide(String reference, String answer, Rules rules, Budget budget) {
        if (reference.length() > MAX_LENGTH || answer.length() > MAX_LENGTH) {
            return Text.bare(reference).equals(Text.bare(answer));
        }
        String a = Notation.normalise(trimmed(reference));
        String b = Notation.normalise(trimmed(answer));
        char choiceA = Text.choice(a);
        char choiceB = Text.choice(b);
        if (choiceA != 0 && choiceB != 0) {
            return choiceA == choiceB || Character.toUpperCase(choiceA) == Character.toUpperCase(choiceB)
                    && (a.length() > 1 || b.length() > 1);
        }
        Matcher m = CHOICE_AND_VALUE.matcher(a);
        if (m.matches()) {
            char letter = (m.group(1) != null ? m.group(1) : m.group(2)).charAt(0);
            Matcher n = CHOICE_AND_VALUE.matcher(b);
            return choiceB != 0 ? choiceB == letter
                    : decide(m.group(3), n.matches() ? n.group(3) : answer, rules, budget);
        }
        m = CHOICE_AND_VALUE.matcher(b);
        if (m.matches()) {
            char letter = (m.group(1) != null ? m.group(1) : m.group(2)).charAt(0);
            return choiceA != 0 ? choiceA == letter : decide(reference, m.group(3), rules, budget);
        }
        if (Text.isProse(a) && Text.isProse(b) && Text.words(a).equals(Text.words(b))) {
            return true;
        }
        Expr x = parsed(a, budget);
        Expr y = parsed(b, budget);
        return x != null && y != null ? compared(x, y, rules, budget) : Text.bare(a).equals(Text.bare(b));
    }

    private static boolean compared(Expr x, Expr y, Rules rules, Budget budget) {
        try {
            return new Comparison(rules, budget).equal(x, y);
        } catch (NoValueException | ArithmeticException undecided) {
            return false;
        }
    }

    private static Expr parsed(String s, Budget budget) {
        Expr number = NumberWords.value(s);
        try {
            return number != null ? number : Parser.parse(s, budget);
        } catch (NoValueException | ArithmeticException unreadable) {
            return null;
        }
    }

    /** Without math delimiters and the full stop or comma at the end. */
    private static String trimmed(String s) {
        String t = s.strip();
        for (int i = 0; i < 3; i++) {
            if (t.length() > 4 && (t.startsWith("\\(") && t.endsWith("\\)")
                    || t.startsWith("\\[") && t.endsWith("\\]"))) {
                t = t.substring(2, t.length() - 2).strip();
            }
            while (t.length() > 1 && (t.endsWith(".") && !t.endsWith("..") || t.endsWith(",") || t.endsWith(";"))
                    && !t.endsWith("\\,") && !t.endsWith("\\;")) {
                t = t.substring(0, t.length() - 1).strip();
            }
            if (t.length() > 4 && t.startsWith("**") && t.endsWith("**")) {
                t = t.substring(2, t.length() - 2).strip();
            }
        }
        return t;
    }
}
