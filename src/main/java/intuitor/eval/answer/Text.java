package intuitor.eval.answer;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** Answers that are words, and the comparison of answers as strings. */
final class Text {
    /** Words of two or three letters that are no product of variables. */
    static final Set<String> SHORT_WORDS = Set.of("yes", "no", "odd", "dne", "one", "two", "six", "ten", "all", "not",
            "the", "for", "any", "red", "sum", "tie", "neither", "per", "mon", "tue", "wed", "thu", "fri", "sat",
            "sun");

    private static final Pattern SPACES = Pattern.compile("(?:[\\s~]|\\\\[ ,;:!])+");
    private static final Pattern TEXT_COMMAND = Pattern.compile(
            "\\\\(?:text(?:bf|it|rm|normal|sf|tt)?|mathrm|mathbf|mbox|boxed)\\s*(?=\\{)|\\\\[ ,;:!]");
    private static final Pattern PROSE = Pattern.compile("[\\p{L}\\s{}.,;:!?'\"()$-]+");
    private static final Pattern LONG_WORD = Pattern.compile("\\p{L}{4}");
    private static final Pattern CHOICE = Pattern.compile("[({\\[]*\\s*([A-Ja-j])\\s*[)}\\].:]*");

    private Text() { }

    /** White space and LaTeX's spaces made single spaces, none at the ends. */
    static String collapse(String s) {
        return SPACES.matcher(s).replaceAll(" ").strip();
    }

    /** The answer as a string without what only changes its looks: its tokens, without braces around single ones. */
    static String bare(String s) {
        List<Token> tokens = Lexer.tokens(s);
        StringBuilder b = new StringBuilder();
        for (int i = 0; i < tokens.size(); i++) {
            boolean single = tokens.get(i).is("{") && i + 2 < tokens.size() && tokens.get(i + 2).is("}");
            Token token = tokens.get(single ? i + 1 : i);
            b.append(token.text()).append(' ');
            i += single ? 2 : 0;
        }
        return b.toString().strip();
    }

    /** Whether an answer is a phrase, not a formula: a word of four letters, and nothing but words and stops. */
    static boolean isProse(String s) {
        String t = TEXT_COMMAND.matcher(s).replaceAll(" ");
        return t.indexOf('\\') < 0 && PROSE.matcher(t).matches() && LONG_WORD.matcher(t).find();
    }

    /** Words in lower case with single spaces, without articles at the front and signs at the end. */
    static String words(String s) {
        String t = collapse(s.replaceAll("[{}$\"“”]", " ").replaceAll("\\\\[a-zA-Z]+", " ")).toLowerCase(Locale.ROOT);
        t = t.replaceAll("[-_']", " ").replaceAll("[.,;:!?]+(?=\\s|$)", "").strip().replaceAll(" +", " ");
        t = t.replaceFirst("^(?:the|a|an) ", "");
        return switch (t) {
            case "does not exist", "doesn t exist", "undefined" -> "dne";
            case "none", "no solutions", "no solution exists", "no real solution", "no real solutions", "null set",
                 "empty set", "no such" -> "no solution";
            case "all reals", "all real", "real numbers", "every real number", "any real number", "all real number",
                 "all real values" -> "all real numbers";
            default -> t;
        };
    }

    /** The letter of a choice, as {@code B}, {@code (B)}, {@code B.} or {@code \text{(B)}}; 0 for other answers. */
    static char choice(String s) {
        String t = collapse(s);
        t = t.replaceAll("\\\\(?:text|textbf|mathrm|mathbf|textrm|left|right|mbox)\\s*(?![a-z])", "").replace("$", "")
                .replace("*", "").strip();
        var m = CHOICE.matcher(t);
        return m.matches() ? m.group(1).charAt(0) : 0;
    }
}
