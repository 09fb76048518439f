package intuitor.text;

import java.nio.charset.StandardCharsets;

/**
 * The 256 visible characters that stand for the 256 bytes in a byte-level vocabulary: a printable byte of Latin-1 is
 * its own character, the others take the characters from U+0100 on, in order. So a space is "Ġ" and a line feed "Ċ".
 * From GPT-2 (Radford et al., 2019: encoder.py, bytes_to_unicode); Qwen and Llama 3 use the same.
 */
final class ByteAlphabet {

    private static final char[] CHARACTER = new char[256];

    static {
        char next = 0x100;
        for (int b = 0; b < 256; b++) {
            boolean printable = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xFF && b != 0xAD;
            CHARACTER[b] = printable ? (char) b : next++;
        }
    }

    private ByteAlphabet() {}

    /** The character of a byte, 0 to 255. */
    static char character(int b) {
        return CHARACTER[b];
    }

    /** A text's UTF-8 bytes, each as its character. */
    static String spell(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        char[] characters = new char[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            characters[i] = CHARACTER[bytes[i] & 0xFF];
        }
        return new String(characters);
    }
}
