package intuitor.eval.answer;

import intuitor.eval.answer.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Cuts an answer, LaTeX or plain, into {@link Token}s. Commands that change only the looks are left out. */
final class Lexer {
    private static final int MAX_NESTING = 4;
    private static final Pattern THOUSANDS = Pattern.compile("[1-9]\\d{0,2}(?:,\\d{3})++(?!\\d|,\\d)");
    private static final Pattern DIGITS = Pattern.compile("\\d++");
    private static final Pattern FRACTION_PART = Pattern.compile("\\.\\d++");
    private static final Pattern EXPONENT = Pattern.compile("[eE][+-]?\\d{1,9}+(?![\\w.])");
    private static final Pattern REPEATING = Pattern.compile(
            "\\s*\\\\(?:overline|bar|dot|overset\\{\\\\frown\\})\\s*(?:\\{\\s*(\\d+)\\s*\\}|(\\d))|\\((\\d+)\\)");
    private static final Pattern DOTS = Pattern.compile("\\s*(?:\\.\\.\\.|\\\\l?dots[cb]?(?![a-z])|\\\\cdots)");
    private static final Pattern NUMERAL = Pattern.compile(
            "(?=[0-9A-Fa-f]*[A-Fa-f])(?=[0-9A-Fa-f]*[0-9A-F])([0-9A-Fa-f]{2,})(?=_\\{?\\s*(?:1[1-6]|\\\\text))");
    private static final Pattern SPEED = Pattern.compile(
            "(?:km|cm|mm|mi|ft|in|kg|m|g)/(?:hour|hr|h|min|sec|second|s|mL|L|m|cm)(?:\\^\\{?[23]\\}?)?(?![\\w^])");
    /** A letter that is a unit where it ends the answer after a number and a space. */
    private static final Pattern LAST_LETTER = Pattern.compile("[mgshL](?:\\^\\{?([23])\\}?)?\\s*$");
    private static final Pattern ASCII_LETTERS = Pattern.compile("[A-Za-z]+");

    private static final Pattern LETTER_LIST = Pattern.compile(
            "\\(?[A-Za-z]\\)?(?:(?:\\s*,\\s*(?:(?:and|or)\\s)?|\\s+(?:and|or)\\s)\\s*\\(?[A-Za-z]\\)?)+");

    private final String source;
    private final int nesting;
    private final List<Token> tokens;
    private int at;
    private int depth;
    private boolean spaced;

    private Lexer(String source, int nesting, List<Token> tokens) {
        this.source = source;
        this.nesting = nesting;
        this.tokens = tokens;
    }

    /** The tokens of an answer in the notation of {@link Notation}, closed by one of kind END. */
    static List<Token> tokens(String source) {
        List<Token> tokens = new ArrayList<>();
        new Lexer(source, 0, tokens).run();
        tokens.add(new Token(Kind.END, "", false));
        return tokens;
    }

    private void run() {
        while (at < source.length()) {
            char c = source.charAt(at);
            if (Character.isWhitespace(c) || c == '~') {
                at++;
                spaced = true;
            } else if (c == '\\') {
                command();
            } else if (isDigit(c) || c == '.' && at + 1 < source.length() && isDigit(source.charAt(at + 1))) {
                if (!numeral()) {
                    number();
                }
            } else if (isLetter(c)) {
                if (!numeral()) {
                    word();
                }
            } else {
                plainSign(c);
            }
        }
    }

    private void add(Kind kind, String text) {
        tokens.add(new Token(kind, text, spaced));
        spaced = false;
    }

    private boolean numeral() {
        Matcher m = NUMERAL.matcher(source).region(at, source.length());
        if (!m.lookingAt()) {
            return false;
        }
        add(Kind.NUMERAL, m.group(1));
        at = m.end();
        return true;
    }

    private void number() {
        StringBuilder text = new StringBuilder();
        Matcher m = THOUSANDS.matcher(source).region(at, source.length()).useTransparentBounds(true);
        if (depth == 0 && m.lookingAt()) {
            text.append(m.group().replace(",", ""));
            at = m.end();
        } else {
            m = DIGITS.matcher(source).region(at, source.length());
            if (m.lookingAt()) {
                text.append(m.group());
                at = m.end();
            } else {
                text.append('0');
            }
        }
        m = FRACTION_PART.matcher(source).region(at, source.length());
        if (m.lookingAt()) {
            text.append(m.group());
            at = m.end();
            repeating(text);
        } else if (at + 1 < source.length() && source.charAt(at) == '.') {
            m = REPEATING.matcher(source).region(at + 1, source.length());
            if (m.lookingAt()) {
                at++;
                text.append('.');
                repeating(text);
            }
        }
        m = EXPONENT.matcher(source).region(at, source.length()).useTransparentBounds(true);
        if (m.lookingAt()) {
            text.append(m.group().toLowerCase(Locale.ROOT));
            at = m.end();
        }
        add(Kind.NUMBER, text.toString());
    }

    /** {@code 0.1\overline{6}}, {@code 0.1(6)}, {@code 0.333...}: the repeating digits are put in round brackets. */
    private void repeating(StringBuilder text) {
        Matcher m = REPEATING.matcher(source).region(at, source.length());
        if (m.lookingAt()) {
            String digits = m.group(1) != null ? m.group(1) : m.group(2) != null ? m.group(2) : m.group(3);
            text.append('(').append(digits).append(')');
            at = m.end();
            return;
        }
        m = DOTS.matcher(source).region(at, source.length());
        if (m.lookingAt()) {
            String digits = text.substring(text.indexOf(".") + 1);
            for (int period = 1; period <= digits.length() / 2; period++) {
                int times = period == 1 ? 3 : 2;
                int start = digits.length() - period * times;
                if (start >= 0 && digits.substring(start).equals(digits.substring(digits.length() - period)
                        .repeat(times))) {
                    text.setLength(text.length() - period * times);
                    text.append('(').append(digits.substring(digits.length() - period)).append(')');
                    at = m.end();
                    return;
                }
            }
        }
    }

    private void word() {
        Matcher m = ASCII_LETTERS.matcher(source).region(at, source.length());
        if (!m.lookingAt()) {
            add(Kind.LETTER, source.substring(at, source.offsetByCodePoints(at, 1)));
            at = source.offsetByCodePoints(at, 1);
            return;
        }
        if (unitLetters()) {
            return;
        }
        String run = m.group();
        at = m.end();
        String lower = run.toLowerCase(Locale.ROOT);
        boolean afterNumber = !tokens.isEmpty() && (last().is(Kind.NUMBER) || last().is("}") || last().is(")")
                || last().is(Kind.WORD));
        if (run.length() == 1) {
            add(Kind.LETTER, run);
        } else if (afterNumber && Units.isUnit(run) && !followedByArgument()) {
            add(Kind.WORD, run);
        } else if (run.equals("in")) {
            add(Kind.SIGN, "∈");
        } else if (Commands.WORDS.containsKey(lower)) {
            add(Kind.SIGN, Commands.WORDS.get(lower));
        } else if (lower.equals("pi")) {
            add(Kind.LETTER, "pi");
        } else if (lower.equals("sqrt")) {
            add(Kind.COMMAND, "sqrt*");
        } else if (Commands.FUNCTIONS.containsKey(run) || Commands.FUNCTIONS.containsKey(lower) && run.length() > 2) {
            add(Kind.FUNCTION, Commands.FUNCTIONS.getOrDefault(run, Commands.FUNCTIONS.get(lower)));
        } else if (Commands.GREEK.contains(run)) {
            add(Kind.LETTER, run);
        } else if (isWord(run) || afterNumber && (run.equals("sq") || run.equals("cu"))) {
            add(Kind.WORD, run);
        } else {
            for (char c : run.toCharArray()) {
                add(Kind.LETTER, String.valueOf(c));
            }
        }
    }

    /** {@code 9.8 m/s^2}, {@code 5 m}. */
    private boolean unitLetters() {
        if (tokens.isEmpty() || !last().is(Kind.NUMBER)) {
            return false;
        }
        Matcher m = SPEED.matcher(source).region(at, source.length()).useTransparentBounds(true);
        if (!m.lookingAt()) {
            m = LAST_LETTER.matcher(source).region(at, source.length());
            if (!spaced || !m.lookingAt() || tokens.stream().anyMatch(t -> t.is(Kind.LETTER))) {
                return false;
            }
        }
        add(Kind.WORD, m.group().replaceAll("[{}\\s]", ""));
        at = m.end();
        return true;
    }

    private boolean followedByArgument() {
        return at < source.length() && (source.charAt(at) == '(' || source.charAt(at) == '^' && !isUnitPower());
    }

    private boolean isUnitPower() {
        return at + 1 < source.length() && "23{".indexOf(source.charAt(at + 1)) >= 0;
    }

    /** Four letters in lower case, or a capital and two more, are no product of variables. */
    private static boolean isWord(String run) {
        return run.length() >= 4 || run.length() == 3 && Character.isUpperCase(run.charAt(0))
                && Character.isLowerCase(run.charAt(1)) && Character.isLowerCase(run.charAt(2))
                || !run.equals("NO") && Text.SHORT_WORDS.contains(run.toLowerCase(Locale.ROOT));
    }

    private Token last() {
        return tokens.get(tokens.size() - 1);
    }

    private void plainSign(char c) {
        String next = source.startsWith("...", at) ? "…"
                : at + 1 < source.length() ? switch (source.substring(at, at + 2)) {
            case "<=" -> "≤";
            case ">=" -> "≥";
            case "!=", "<>" -> "≠";
            case "==" -> "=";
            case "->", "=>" -> "→";
            case "**" -> "^";
            case "+-" -> "±";
            case "||" -> "‖";
            default -> null;
        } : null;
        if ("…".equals(next)) {
            at += 3;
        } else if (next != null && !("≠".equals(next) && c == '!' && !tokens.isEmpty() && last().is(Kind.NUMBER))) {
            at += 2;
        } else {
            next = c == '"' ? null : String.valueOf(c);
            at++;
        }
        if (next != null) {
            bracket(next);
            add(Kind.SIGN, next);
        }
    }

    private void bracket(String sign) {
        if (sign.equals("(") || sign.equals("[") || sign.equals("\\{") || sign.equals("⟨")) {
            depth++;
        } else if (sign.equals(")") || sign.equals("]") || sign.equals("\\}") || sign.equals("⟩")) {
            depth = Math.max(0, depth - 1);
        }
    }

    private void command() {
        int start = ++at;
        while (at < source.length() && isLetter(source.charAt(at)) && source.charAt(at) < 128) {
            at++;
        }
        if (at == start) {
            symbolCommand();
            return;
        }
        String name = source.substring(start, at);
        if (at < source.length() && source.charAt(at) == '*') {
            at++;
            name = name.equals("sqrt") ? "sqrt*" : name;
        }
        named(name);
    }

    private void named(String name) {
        switch (name) {
            case "left", "right" -> delimiter();
            case "frac", "dfrac", "tfrac", "cfrac", "nicefrac", "sfrac" -> add(Kind.COMMAND, "frac");
            case "binom", "dbinom", "tbinom" -> add(Kind.COMMAND, "binom");
            case "sqrt", "sqrt*", "sum", "prod", "overline" -> add(Kind.COMMAND, name);
            case "bar" -> add(Kind.COMMAND, "overline");
            case "begin" -> begin();
            case "end" -> {
                braces();
                add(Kind.CLOSE, "end");
            }
            case "mathbb", "Bbb" -> {
                String set = braces().strip();
                if (set.isEmpty() && at < source.length()) {
                    set = source.substring(at).strip();
                    set = set.substring(0, Math.min(1, set.length()));
                    at = source.indexOf(set, at) + set.length();
                }
                if (set.length() == 1) {
                    add("RZNQC".contains(set) ? Kind.SET : Kind.LETTER, set);
                } else {
                    add(Kind.COMMAND, "mathbb");
                }
            }
            case "R", "reals", "Reals" -> add(Kind.SET, "R");
            case "Z" -> add(Kind.SET, "Z");
            case "N" -> add(Kind.SET, "N");
            case "pi" -> add(Kind.LETTER, "pi");
            case "color", "textcolor", "hspace", "vspace", "phantom", "hphantom", "label", "tag" -> braces();
            case "imath" -> add(Kind.LETTER, "i");
            case "jmath" -> add(Kind.LETTER, "j");
            case "operatorname", "mathrm", "text", "textrm" -> text(name);
            default -> {
                if (Commands.TEXT.contains(name)) {
                    text(name);
                } else if (Commands.SIGNS.containsKey(name)) {
                    String sign = Commands.SIGNS.get(name);
                    bracket(sign);
                    if (sign.equals("Re") || sign.equals("Im")) {
                        add(Kind.FUNCTION, sign);
                    } else {
                        add(Kind.SIGN, sign);
                    }
                } else if (Commands.FUNCTIONS.containsKey(name)) {
                    add(Kind.FUNCTION, Commands.FUNCTIONS.get(name));
                } else if (Commands.GREEK.contains(name)) {
                    add(Kind.LETTER, name.startsWith("var") ? name.substring(3) : name);
                } else if (Commands.IGNORED.contains(name)) {
                    spaced = true;
                } else {
                    add(Kind.COMMAND, name);
                }
            }
        }
    }

    /** The bracket after \left or \right; a full stop is none. */
    private void delimiter() {
        while (at < source.length() && Character.isWhitespace(source.charAt(at))) {
            at++;
        }
        if (at < source.length() && source.charAt(at) == '.') {
            at++;
        }
    }

    private void symbolCommand() {
        if (at == source.length()) {
            return;
        }
        char c = source.charAt(at++);
        switch (c) {
            case '{', '}' -> {
                bracket("\\" + c);
                add(Kind.SIGN, "\\" + c);
            }
            case '%', '$', '&', '#' -> add(Kind.SIGN, String.valueOf(c));
            case '_' -> spaced = true;
            case '\\' -> {
                add(Kind.SIGN, "\\\\");
                if (at < source.length() && source.charAt(at) == '[') {
                    int end = source.indexOf(']', at);
                    at = end > 0 && source.substring(at, end).matches("\\[\\d*\\.?\\d*(pt|em|ex|mm|cm)") ? end + 1 : at;
                }
            }
            case '|' -> add(Kind.SIGN, "‖");
            case ',', ';', ':', '!', ' ', '>', '(', ')', '[', ']', '/', '-' -> spaced = true;
            default -> spaced = true;
        }
    }

    private void begin() {
        String name = braces().strip();
        if (name.startsWith("array")) {
            braces();
        }
        add(Kind.BEGIN, name.replace("*", ""));
    }

    /** The raw content of the group in braces that follows; empty where none does. */
    private String braces() {
        int i = at;
        while (i < source.length() && Character.isWhitespace(source.charAt(i))) {
            i++;
        }
        if (i == source.length() || source.charAt(i) != '{') {
            return "";
        }
        int open = 0;
        for (int k = i; k < source.length(); k++) {
            char c = source.charAt(k);
            if (c == '\\') {
                k++;
            } else if (c == '{') {
                open++;
            } else if (c == '}' && --open == 0) {
                at = k + 1;
                return source.substring(i + 1, k);
            }
        }
        at = source.length();
        return source.substring(i + 1);
    }

    private void text(String command) {
        String content = braces();
        String words = Text.collapse(content);
        String lower = words.toLowerCase(Locale.ROOT);
        if (words.isEmpty()) {
            spaced = true;
        } else if (Units.isUnit(words) && !tokens.isEmpty() && last().is(Kind.NUMBER) && words.length() > 1) {
            add(Kind.WORD, words);
        } else if (Commands.WORDS.containsKey(lower)) {
            add(Kind.SIGN, Commands.WORDS.get(lower));
        } else if (Commands.FUNCTIONS.containsKey(words)) {
            add(Kind.FUNCTION, Commands.FUNCTIONS.get(words));
        } else if (words.length() <= 2 && Commands.GREEK.contains(words)) {
            add(Kind.LETTER, words);
        } else if (command.equals("operatorname") || command.startsWith("math") && words.length() == 1) {
            add(words.length() == 1 ? Kind.LETTER : Kind.WORD, words);
        } else if (nesting < MAX_NESTING && needsLexing(words)) {
            new Lexer(content, nesting + 1, tokens).run();
        } else {
            add(Kind.WORD, words);
        }
    }

    /** Numbers, formulas and lists, of letters too, within text are read as such. */
    private static boolean needsLexing(String words) {
        return words.chars().anyMatch(c -> c == '\\' || c == '$' || c == '%' || isDigit((char) c))
                || words.matches("(?i),?\\s*(and|or)\\b.*") || words.matches("[^A-Za-z]*")
                || LETTER_LIST.matcher(words).matches();
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private static boolean isLetter(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c > 127 && Character.isLetter(c);
    }
}
