package intuitor.text.jinja;

/** The escapes of a string literal, which are Python's. */
final class StringEscapes {

    private StringEscapes() {}

    /**
     * Appends the character that an escape stands for.
     *
     * @param at of the character after the backslash
     * @return the place after the escape
     */
    static int append(String source, int at, StringBuilder out, int line) {
        char c = source.charAt(at);
        switch (c) {
            case 'n' -> out.append('\n');
            case 't' -> out.append('\t');
            case 'r' -> out.append('\r');
            case 'a' -> out.append('\u0007');
            case 'b' -> out.append('\b');
            case 'f' -> out.append('\f');
            case 'v' -> out.append('\u000B');
            case '\\', '\'', '"' -> out.append(c);
            case '\n' -> { } // a line break in the source only
            case 'x' -> {
                return hexadecimal(source, at + 1, 2, out, line);
            }
            case 'u' -> {
                return hexadecimal(source, at + 1, 4, out, line);
            }
            case 'U' -> {
                return hexadecimal(source, at + 1, 8, out, line);
            }
            case '0', '1', '2', '3', '4', '5', '6', '7' -> {
                return octal(source, at, out);
            }
            default -> out.append('\\').append(c);
        }
        return at + 1;
    }

    private static int hexadecimal(String source, int from, int digits, StringBuilder out, int line) {
        try {
            out.appendCodePoint(Integer.parseInt(source.substring(from, from + digits), 16));
            return from + digits;
        } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
            throw new TemplateException("a string has a broken \\" + source.charAt(from - 1) + " escape").at(line);
        }
    }

    private static int octal(String source, int from, StringBuilder out) {
        int end = from;
        int value = 0;
        while (end < from + 3 && end < source.length() && source.charAt(end) >= '0' && source.charAt(end) <= '7') {
            value = 8 * value + source.charAt(end++) - '0';
        }
        out.append((char) value);
        return end;
    }
}
