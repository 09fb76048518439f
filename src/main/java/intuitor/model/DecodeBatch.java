package intuitor.model;

import intuitor.device.Arena;
import intuitor.device.Segments;
import java.util.Arrays;

/**
 * One step of generation: one new token for each of a number of sequences, at whatever positions they are (host side).
 * A sequence is a prompt whose cache rows it may share with its siblings, and rows of its own. Reusable: {@link #clear}
 * and fill again.
 */
public final class DecodeBatch {

    private final int[] tokens;
    private final int[] positions;
    private final int[] cacheRows;
    private final int[] segments;
    private int size;
    private int maxK;

    /** A batch of at most {@code capacity} sequences. */
    public DecodeBatch(int capacity) {
        tokens = new int[capacity];
        positions = new int[capacity];
        cacheRows = new int[capacity];
        segments = new int[capacity * Segments.WIDTH];
    }

    /** Number of sequences. */
    public int size() {
        return size;
    }

    public void clear() {
        size = 0;
        maxK = 0;
    }

    /**
     * Adds the next token of a sequence. Its position is promptLength + ownLength - 1, and its key and value go into
     * cache row ownStart + ownLength - 1.
     *
     * @param token        the token itself
     * @param promptStart  first cache row of the sequence's prompt
     * @param promptLength tokens of the prompt, filled in by {@link Transformer#prefill}
     * @param ownStart     first cache row of the sequence's completion
     * @param ownLength    tokens of the completion, this one included
     */
    public void add(int token, int promptStart, int promptLength, int ownStart, int ownLength) {
        if (ownLength < 1) {
            throw new IllegalArgumentException("the sequence's own length counts the new token: it is at least 1");
        }
        tokens[size] = token;
        positions[size] = promptLength + ownLength - 1;
        cacheRows[size] = ownStart + ownLength - 1;
        int s = size * Segments.WIDTH;
        segments[s] = size;
        segments[s + 1] = 1;
        segments[s + 2] = promptStart;
        segments[s + 3] = promptLength;
        segments[s + 4] = ownStart;
        segments[s + 5] = ownLength;
        maxK = Math.max(maxK, promptLength + ownLength);
        size++;
    }

    /** The tokens, and as many zeros as make {@code rows} of them. */
    int[] tokens(int rows) {
        return padded(tokens, rows);
    }

    /** The positions, and as many zeros as make {@code rows} of them. */
    int[] positions(int rows) {
        return padded(positions, rows);
    }

    private int[] padded(int[] values, int rows) {
        int[] result = new int[rows];
        System.arraycopy(values, 0, result, 0, size);
        return result;
    }

    int[] cacheRows() {
        return Arrays.copyOf(cacheRows, size);
    }

    /** Longest sequence, the new token included. */
    int maxPositions() {
        return maxK;
    }

    /** The segments as attention reads them, in device memory. */
    Segments uploadSegments(Arena arena) {
        int[] used = Arrays.copyOf(segments, size * Segments.WIDTH);
        return new Segments(arena.upload("segments", used).view(size, Segments.WIDTH), null, size, 0, 1, maxK, null);
    }
}
