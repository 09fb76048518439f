package intuitor.eval.code;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Reads a Python pickle that holds one string, and refuses every other. A pickle is a program that can call any
 * function of Python's; this reader knows the instructions that make and remember a string (protocols 0 to 5,
 * Lib/pickletools.py) and none besides.
 */
final class StringPickle {

    private static final int HIGHEST_PROTOCOL = 5;

    private StringPickle() { }

    /** @throws IllegalArgumentException if it is damaged, or holds something else */
    static String load(byte[] pickle) {
        ByteBuffer in = ByteBuffer.wrap(pickle).order(ByteOrder.LITTLE_ENDIAN);
        String value = null;
        while (in.hasRemaining()) {
            int instruction = in.get() & 0xFF;
            switch (instruction) {
                case 0x80 -> requireProtocol(number(in, 1));
                case 0x95 -> number(in, 8); // FRAME
                case 0x94 -> { } // MEMOIZE
                case 'q' -> number(in, 1); // BINPUT
                case 'r' -> number(in, 4); // LONG_BINPUT
                case 'p' -> line(in); // PUT
                case 'V', 0x8c, 'X', 0x8d -> {
                    if (value != null) {
                        throw new IllegalArgumentException("a pickle of more than a string");
                    }
                    value = switch (instruction) {
                        case 'V' -> rawUnicodeEscape(line(in));
                        case 0x8c -> utf8(in, number(in, 1));
                        case 'X' -> utf8(in, number(in, 4));
                        default -> utf8(in, number(in, 8));
                    };
                }
                case '.' -> {
                    if (value == null) {
                        throw new IllegalArgumentException("a pickle of nothing");
                    }
                    return value;
                }
                default -> throw new IllegalArgumentException(
                        String.format("a pickle of something else than a string (instruction 0x%02x)", instruction));
            }
        }
        throw new IllegalArgumentException("the pickle ends early");
    }

    private static void requireProtocol(long protocol) {
        if (protocol > HIGHEST_PROTOCOL) {
            throw new IllegalArgumentException("a pickle of protocol " + protocol);
        }
    }

    /** Unsigned, little-endian. */
    private static long number(ByteBuffer in, int bytes) {
        requireRemaining(in, bytes);
        return switch (bytes) {
            case 1 -> in.get() & 0xFFL;
            case 4 -> in.getInt() & 0xFFFFFFFFL;
            default -> in.getLong();
        };
    }

    private static String utf8(ByteBuffer in, long length) {
        requireRemaining(in, length);
        String text = new String(in.array(), in.position(), (int) length, StandardCharsets.UTF_8);
        in.position(in.position() + (int) length);
        return text;
    }

    private static void requireRemaining(ByteBuffer in, long bytes) {
        if (bytes < 0 || bytes > in.remaining()) {
            throw new IllegalArgumentException("the pickle ends early");
        }
    }

    private static String line(ByteBuffer in) {
        int start = in.position();
        while (in.hasRemaining()) {
            if (in.get() == '\n') {
                return new String(in.array(), start, in.position() - 1 - start, StandardCharsets.ISO_8859_1);
            }
        }
        throw new IllegalArgumentException("the pickle ends early");
    }

    /** Protocol 0: Latin-1, and backslash-u escapes of four or (capital U) eight digits for all else. */
    private static String rawUnicodeEscape(String s) {
        StringBuilder text = new StringBuilder(s.length());
        for (int i = 0; i < s.length(); i++) {
            int digits = s.startsWith("\\u", i) ? 4 : s.startsWith("\\U", i) ? 8 : 0;
            if (digits == 0) {
                text.append(s.charAt(i));
            } else if (i + 2 + digits <= s.length()) {
                text.appendCodePoint(Integer.parseInt(s.substring(i + 2, i + 2 + digits), 16));
                i += 1 + digits;
            } else {
                throw new IllegalArgumentException("damaged text in a pickle");
            }
        }
        return text.toString();
    }
}
