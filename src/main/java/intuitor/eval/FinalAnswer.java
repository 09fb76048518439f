package intuitor.eval;

import java.math.BigDecimal;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds the final number of a worked solution: what follows the last {@code ####} (the convention of GSM8K), else the
 * content of the last {@code \boxed{}}.
 */
public final class FinalAnswer {
    private static final Pattern HASHES = Pattern.compile("####\\s*(-?[0-9][0-9,]*(?:\\.[0-9]+)?)\\s*(?=\\n|$)");
    private static final Pattern BOXED = Pattern.compile("\\\\boxed\\{\\s*(-?[0-9][0-9,]*(?:\\.[0-9]+)?)\\s*\\}");

    private FinalAnswer() { }

    /** The number, or empty where the text states none in either form. */
    public static Optional<BigDecimal> of(String completion) {
        return last(HASHES, completion).or(() -> last(BOXED, completion));
    }

    /** Whether the completion's final number equals {@code answer}'s. An answer that is not a number matches nothing. */
    public static boolean matches(String completion, String answer) {
        Optional<BigDecimal> gold = of("#### " + answer.strip());
        return gold.isPresent() && of(completion).filter(x -> x.compareTo(gold.get()) == 0).isPresent();
    }

    private static Optional<BigDecimal> last(Pattern pattern, String text) {
        Matcher matcher = pattern.matcher(text);
        String found = null;
        while (matcher.find()) {
            found = matcher.group(1);
        }
        return Optional.ofNullable(found).map(s -> new BigDecimal(s.replace(",", "")));
    }
}
