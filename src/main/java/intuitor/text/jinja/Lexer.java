package intuitor.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a template into tokens and settles its white space, with the options that transformers sets:
 * {@code trim_blocks} (the line break after a block or comment goes) and {@code lstrip_blocks} (so do spaces before one
 * that starts a line). A {@code -} inside a delimiter takes all white space on its side, a {@code +} keeps it. As by
 * default in Jinja, one line break at the very end is not part of a template.
 */
final class Lexer {

    private static final Pattern OPENING = Pattern.compile("\\{\\{|\\{%|\\{#");
    private static final Pattern RAW = Pattern.compile("\\{%([-+]?)\\s*raw\\s*(-?)%}");
    private static final Pattern END_RAW = Pattern.compile("\\{%([-+]?)\\s*endraw\\s*([-+]?)%}");
    private static final Pattern NAME = Pattern.compile("[\\p{L}_][\\p{L}\\p{N}_]*");
    private static final Pattern FLOAT = Pattern.compile("\\d+(\\.\\d+)?[eE][-+]?\\d+|\\d+\\.\\d+");
    private static final Pattern INTEGER = Pattern.compile("\\d+");
    private static final Pattern OPERATOR = Pattern.compile("//|\\*\\*|==|!=|<=|>=|[-+*/%~<>=()\\[\\]{},:.|]");

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int position;
    private int line = 1;

    private Lexer(String source) {
        this.source = source;
    }

    static List<Token> tokenize(String source) {
        String text = source.replace("\r\n", "\n").replace('\r', '\n');
        if (text.endsWith("\n")) {
            text = text.substring(0, text.length() - 1);
        }
        var lexer = new Lexer(text);
        lexer.run();
        return lexer.tokens;
    }

    private void run() {
        Matcher opening = OPENING.matcher(source);
        while (opening.find(position)) {
            int at = opening.start();
            char kind = source.charAt(at + 1);
            Matcher raw = RAW.matcher(source).region(at, source.length());
            char sign = at + 2 < source.length() ? source.charAt(at + 2) : ' ';
            text(position, at, sign, kind != '{');
            if (kind == '#') {
                comment(at);
            } else if (raw.lookingAt()) {
                raw(raw);
            } else {
                inside(at, sign, kind);
            }
        }
        text(position, source.length(), ' ', false);
        tokens.add(new Token(Token.Kind.END, "", line));
    }

    /** Adds the text in [from, to), less the white space that the delimiter after it takes. */
    private void text(int from, int to, char sign, boolean stripsLine) {
        int end = to;
        if (sign == '-') {
            while (end > from && Strings.isSpace(source.charAt(end - 1))) {
                end--;
            }
        } else if (sign != '+' && stripsLine) {
            int lineStart = source.lastIndexOf('\n', to - 1) + 1;
            // the whole line so far is blank, and none of it was taken by the delimiter before
            if (lineStart >= from && source.substring(lineStart, to).chars().allMatch(Strings::isSpace)) {
                end = lineStart;
            }
        }
        if (end > from) {
            tokens.add(new Token(Token.Kind.TEXT, source.substring(from, end), line));
        }
        moveTo(to);
    }

    private void comment(int at) {
        int end = source.indexOf("#}", at + 2);
        if (end < 0) {
            throw new TemplateException("a comment is not closed").at(line);
        }
        char sign = source.charAt(end - 1);
        moveTo(end + 2);
        skipAfter(end - 1 > at + 1 ? sign : ' ', true);
    }

    private void raw(Matcher raw) {
        Matcher endRaw = END_RAW.matcher(source);
        if (!endRaw.find(raw.end())) {
            throw new TemplateException("raw is not closed").at(line);
        }
        moveTo(raw.end());
        skipAfter(raw.group(2).isEmpty() ? ' ' : '-', false); // the line break after raw is raw already
        char before = endRaw.group(1).isEmpty() ? ' ' : endRaw.group(1).charAt(0);
        text(position, Math.max(position, endRaw.start()), before, true);
        moveTo(endRaw.end());
        skipAfter(endRaw.group(2).isEmpty() ? ' ' : endRaw.group(2).charAt(0), true);
    }

    /** The tokens of an output {{ }} or a block {% %}. */
    private void inside(int at, char sign, char kind) {
        boolean block = kind == '%';
        tokens.add(new Token(block ? Token.Kind.BLOCK_BEGIN : Token.Kind.OUTPUT_BEGIN, "", line));
        moveTo(at + (sign == '-' || sign == '+' ? 3 : 2));
        String close = block ? "%}" : "}}";
        int depth = 0;
        while (true) {
            skipSpace();
            if (position >= source.length()) {
                throw new TemplateException((block ? "{%" : "{{") + " is not closed").at(line);
            }
            if (depth == 0) {
                char c = source.charAt(position);
                boolean signed = (c == '-' || block && c == '+') && source.startsWith(close, position + 1);
                if (signed || source.startsWith(close, position)) {
                    tokens.add(new Token(block ? Token.Kind.BLOCK_END : Token.Kind.OUTPUT_END, "", line));
                    moveTo(position + (signed ? 3 : 2));
                    skipAfter(signed ? c : ' ', block);
                    return;
                }
            }
            Token token = expressionToken();
            tokens.add(token);
            if (token.is(Token.Kind.OPERATOR)) {
                depth += switch ((String) token.value()) {
                    case "(", "[", "{" -> 1;
                    case ")", "]", "}" -> -1;
                    default -> 0;
                };
            }
        }
    }

    private Token expressionToken() {
        char c = source.charAt(position);
        if (c == '\'' || c == '"') {
            return string(c);
        }
        String match = match(NAME);
        if (match != null) {
            return new Token(Token.Kind.NAME, match, line);
        }
        match = match(FLOAT);
        if (match != null) {
            return new Token(Token.Kind.FLOAT, Double.valueOf(match), line);
        }
        match = match(INTEGER);
        if (match != null) {
            try {
                return new Token(Token.Kind.INTEGER, Long.valueOf(match), line);
            } catch (NumberFormatException e) {
                throw new TemplateException("the number " + match + " is too large").at(line);
            }
        }
        match = match(OPERATOR);
        if (match != null) {
            return new Token(Token.Kind.OPERATOR, match, line);
        }
        throw new TemplateException("unexpected character '" + Character.toString(source.codePointAt(position)) + "'")
                .at(line);
    }

    private Token string(char quote) {
        int start = line;
        var value = new StringBuilder();
        int i = position + 1;
        while (i < source.length() && source.charAt(i) != quote) {
            if (source.charAt(i) == '\\' && i + 1 < source.length()) {
                i = StringEscapes.append(source, i + 1, value, start);
            } else {
                value.append(source.charAt(i++));
            }
        }
        if (i >= source.length()) {
            throw new TemplateException("a string is not closed").at(start);
        }
        moveTo(i + 1);
        return new Token(Token.Kind.STRING, value.toString(), start);
    }

    private String match(Pattern pattern) {
        Matcher matcher = pattern.matcher(source).region(position, source.length());
        if (!matcher.lookingAt()) {
            return null;
        }
        moveTo(matcher.end());
        return matcher.group();
    }

    /** White space after a closing delimiter. */
    private void skipAfter(char sign, boolean block) {
        if (sign == '-') {
            skipSpace();
        } else if (sign != '+' && block && source.startsWith("\n", position)) {
            moveTo(position + 1);
        }
    }

    private void skipSpace() {
        int end = position;
        while (end < source.length() && Strings.isSpace(source.charAt(end))) {
            end++;
        }
        moveTo(end);
    }

    private void moveTo(int end) {
        for (int i = position; i < end; i++) {
            if (source.charAt(i) == '\n') {
                line++;
            }
        }
        position = end;
    }
}
