package intuitor.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;

/** Python's operations on text. Its characters are code points. */
final class Strings {

    private Strings() {}

    /** As str.isspace(). */
    static boolean isSpace(int c) {
        return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == 0x85;
    }

    /** Removes characters at the ends: white space, or any of the given ones. */
    static String strip(String text, String characters, boolean left, boolean right) {
        IntPredicate goes = characters == null ? Strings::isSpace : c -> characters.indexOf(c) >= 0;
        int from = 0;
        int to = text.length();
        while (left && from < to && goes.test(text.codePointAt(from))) {
            from += Character.charCount(text.codePointAt(from));
        }
        while (right && to > from && goes.test(text.codePointBefore(to))) {
            to -= Character.charCount(text.codePointBefore(to));
        }
        return text.substring(from, to);
    }

    /** The parts between separators, at most limit cuts from the left; without a separator, between white space. */
    static List<Object> split(String text, String separator, long limit) {
        var parts = new ArrayList<Object>();
        long cuts = limit < 0 ? Long.MAX_VALUE : limit;
        if (separator == null) {
            String rest = strip(text, null, true, false);
            while (!rest.isEmpty()) {
                int end = 0;
                while (end < rest.length() && !isSpace(rest.charAt(end))) {
                    end++;
                }
                if (parts.size() == cuts) {
                    end = rest.length();
                }
                parts.add(rest.substring(0, end));
                rest = strip(rest.substring(end), null, true, false);
            }
            return parts;
        }
        requireSeparator(separator);
        int from = 0;
        for (int at = text.indexOf(separator); at >= 0 && parts.size() < cuts; at = text.indexOf(separator, from)) {
            parts.add(text.substring(from, at));
            from = at + separator.length();
        }
        parts.add(text.substring(from));
        return parts;
    }

    /** The parts between separators, at most limit cuts from the right. */
    static List<Object> splitRight(String text, String separator, long limit) {
        requireSeparator(separator);
        var parts = new ArrayList<Object>();
        long cuts = limit < 0 ? Long.MAX_VALUE : limit;
        String rest = text;
        for (int at = rest.lastIndexOf(separator); at >= 0 && parts.size() < cuts; at = rest.lastIndexOf(separator)) {
            parts.addFirst(rest.substring(at + separator.length()));
            rest = rest.substring(0, at);
        }
        parts.addFirst(rest);
        return parts;
    }

    private static void requireSeparator(String separator) {
        if (separator.isEmpty()) {
            throw new TemplateException("cannot split at an empty separator");
        }
    }

    /** Replaces from the left, as often as given; a negative number is no limit. */
    static String replace(String text, String old, String replacement, long limit) {
        if (limit < 0) {
            return text.replace(old, replacement);
        }
        var result = new StringBuilder();
        int from = 0;
        for (long i = 0; i < limit; i++) {
            int at = text.indexOf(old, from);
            if (at < 0 || at == text.length() && from > at) {
                break;
            }
            result.append(text, from, at).append(replacement);
            from = at + old.length();
        }
        return result.append(text.substring(from)).toString();
    }

    /** Each word with a capital first letter; a word is what stands between characters that are not letters. */
    static String title(String text) {
        var result = new StringBuilder();
        boolean inWord = false;
        for (int c : text.codePoints().toArray()) {
            result.appendCodePoint(inWord ? Character.toLowerCase(c) : Character.toTitleCase(c));
            inWord = Character.isLetter(c);
        }
        return result.toString();
    }

    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int first = text.codePointAt(0);
        return Character.toString(Character.toTitleCase(first))
                + text.substring(Character.charCount(first)).toLowerCase(Locale.ROOT);
    }

    static List<Object> characters(String text) {
        return new ArrayList<>(text.codePoints().mapToObj(Character::toString).toList());
    }

    /** Indents every line but the first, and blank ones, unless told otherwise. */
    static String indent(String text, String by, boolean first, boolean blank) {
        var result = new StringBuilder();
        String[] lines = text.split("\n", -1);
        for (int i = 0; i < lines.length; i++) {
            if (i > 0) {
                result.append('\n');
            }
            if (i == 0 ? first : blank || !lines[i].isEmpty()) {
                result.append(by);
            }
            result.append(lines[i]);
        }
        return result.toString();
    }
}
