package intuitor.text;

import java.util.Arrays;

/**
 * Turns tokens into text one by one. A character may be spread over several tokens: what is not yet whole is held back,
 * so that the pieces, one after the other, are the text of all tokens.
 */
public final class StreamDecoder {

    /** What the library writes for bytes that are not, or not yet, a character. */
    static final char REPLACEMENT = '\uFFFD';

    private final Tokenizer tokenizer;
    private final boolean keepSpecialTokens;

    /** The tokens since the last whole character, and before them those of that piece: some decoders look back. */
    private int[] window = new int[16];
    private int size;
    private int windowStart; // of the tokens after the last whole character
    private int emitted; // characters of the window's text that have been returned

    StreamDecoder(Tokenizer tokenizer, boolean keepSpecialTokens) {
        this.tokenizer = tokenizer;
        this.keepSpecialTokens = keepSpecialTokens;
    }

    /** The text that a further token completes, often empty for one that is a part of a character. */
    public String next(int token) {
        if (size == window.length) {
            window = Arrays.copyOf(window, 2 * size);
        }
        window[size++] = token;
        String text = text();
        // at most the last mark can still become a character: each further one stands for bytes that never will
        boolean whole = text.isEmpty() || text.charAt(text.length() - 1) != REPLACEMENT;
        int end = Math.max(emitted, whole ? text.length() : text.length() - 1);
        String piece = text.substring(emitted, end);
        emitted = end;
        if (whole) {
            forget();
        }
        return piece;
    }

    /** What was held back, when no further token will come. */
    public String finish() {
        String text = text();
        String rest = text.substring(Math.min(emitted, text.length()));
        size = 0;
        windowStart = 0;
        emitted = 0;
        return rest;
    }

    private void forget() {
        System.arraycopy(window, windowStart, window, 0, size - windowStart);
        size -= windowStart;
        windowStart = size;
        emitted = text().length();
    }

    private String text() {
        return tokenizer.decode(Arrays.copyOf(window, size), keepSpecialTokens);
    }
}
