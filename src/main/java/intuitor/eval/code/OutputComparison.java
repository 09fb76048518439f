package intuitor.eval.code;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * LiveCodeBench's comparison of a program's output with the expected one: white space around the whole and around each line
 * does not matter; a line is equal as text, or as a list of decimal numbers, compared exactly.
 */
final class OutputComparison {

    private static final int SHOWN = 80;
    /** Reading a decimal takes time quadratic in its digits, and a program may print millions: longer ones are equal as text only. */
    private static final int MAX_DIGITS = 10_000;

    private OutputComparison() { }

    /** What differs first, in words; empty where they are equal. */
    static Optional<String> difference(String output, String expected) {
        String[] got = output.strip().split("\n", -1);
        String[] want = expected.strip().split("\n", -1);
        if (got.length != want.length) {
            return Optional.of("printed " + count(got) + " instead of " + count(want));
        }
        for (int i = 0; i < got.length; i++) {
            String a = got[i].strip();
            String b = want[i].strip();
            if (!a.equals(b) && !sameNumbers(a, b)) {
                return Optional.of("line " + (i + 1) + " is " + shown(a) + " instead of " + shown(b));
            }
        }
        return Optional.empty();
    }

    private static String count(String[] lines) {
        return lines.length + (lines.length == 1 ? " line" : " lines");
    }

    private static boolean sameNumbers(String a, String b) {
        Optional<List<BigDecimal>> x = numbers(a);
        Optional<List<BigDecimal>> y = numbers(b);
        if (x.isEmpty() || y.isEmpty() || x.get().size() != y.get().size()) {
            return false;
        }
        for (int i = 0; i < x.get().size(); i++) {
            if (x.get().get(i).compareTo(y.get().get(i)) != 0) {
                return false;
            }
        }
        return true;
    }

    private static Optional<List<BigDecimal>> numbers(String line) {
        List<BigDecimal> numbers = new ArrayList<>();
        for (String word : line.split("\\s+")) {
            if (word.length() > MAX_DIGITS) {
                return Optional.empty();
            }
            try {
                numbers.add(new BigDecimal(word));
            } catch (NumberFormatException e) {
                return Optional.empty();
            }
        }
        return Optional.of(numbers);
    }

    static String shown(String text) {
        return "'" + (text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "...") + "'";
    }
}
