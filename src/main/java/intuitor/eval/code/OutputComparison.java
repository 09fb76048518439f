package intuitor.eval.code;

import java.math.BigDecimal;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * LiveCodeBench's comparison of a program's output with the expected one: white space around the whole and around each
 * line does not matter; a line is equal as text, or as a list of decimal numbers, compared exactly.
 */
final class OutputComparison {

    private static final int SHOWN = 80;
    /**
     * Reading a decimal takes time quadratic in its digits, and a program may print millions: longer ones are equal as
     * text only.
     */
    private static final int MAX_DIGITS = 10_000;
    private static final Pattern WORD = Pattern.compile("\\S+");

    private OutputComparison() { }

    /** What differs first, in words; empty where they are equal. */
    static Optional<String> difference(String output, String expected) {
        String got = output.strip();
        String want = expected.strip();
        long lines = lines(got);
        if (lines != lines(want)) {
            return Optional.of("printed " + count(lines) + " instead of " + count(lines(want)));
        }
        int i = 0;
        int k = 0;
        for (long line = 1; line <= lines; line++) {
            int endOfGot = end(got, i, '\n');
            int endOfWant = end(want, k, '\n');
            String a = got.substring(i, endOfGot).strip();
            String b = want.substring(k, endOfWant).strip();
            if (!a.equals(b) && !sameNumbers(a, b)) {
                return Optional.of("line " + line + " is " + shown(a) + " instead of " + shown(b));
            }
            i = endOfGot + 1;
            k = endOfWant + 1;
        }
        return Optional.empty();
    }

    private static long lines(String text) {
        return 1 + text.chars().filter(c -> c == '\n').count();
    }

    private static String count(long lines) {
        return lines + (lines == 1 ? " line" : " lines");
    }

    /** Where the character is found, or the end of the text. */
    private static int end(String text, int from, char c) {
        int at = text.indexOf(c, from);
        return at < 0 ? text.length() : at;
    }

    /** A word of each at a time: a line may have millions. */
    private static boolean sameNumbers(String a, String b) {
        Matcher x = WORD.matcher(a);
        Matcher y = WORD.matcher(b);
        while (x.find()) {
            if (!y.find() || x.end() - x.start() > MAX_DIGITS || y.end() - y.start() > MAX_DIGITS) {
                return false;
            }
            try {
                if (new BigDecimal(x.group()).compareTo(new BigDecimal(y.group())) != 0) {
                    return false;
                }
            } catch (NumberFormatException e) {
                return false;
            }
        }
        return !a.isEmpty() && !y.find();
    }

    static String shown(String text) {
        return "'" + (text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "...") + "'";
    }
}
