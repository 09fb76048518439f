package intuitor.model;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.DecodeInputs;
import intuitor.device.PageTable;
import intuitor.device.Segments;
import intuitor.device.Tensor;
import java.util.Arrays;

/**
 * One step of generation: one new token for each of a number of sequences, at whatever positions they are (host side).
 * A sequence is a prompt, whose pages of the cache it may share with its siblings, and pages of its own. Reusable:
 * {@link #clear} and fill again. Siblings added one after the other let a device read their prompt once for all of
 * them.
 */
public final class DecodeBatch {

    private final int pageSize;
    private int[] tokens = new int[16];
    private int[] positions = new int[16];
    private int[] cacheRows = new int[16];
    private int[] segments = new int[16 * Segments.WIDTH];
    private int[] pages = new int[64];
    private int size;
    private int pageCount;
    private int maxK;
    private int[] sharedPages; // of the prompt of the sequence added last, and where they are in the table
    private int sharedAt;

    /** @param pageSize that of the cache */
    public DecodeBatch(int pageSize) {
        this.pageSize = pageSize;
    }

    /** Rows of a page of the cache. */
    public int pageSize() {
        return pageSize;
    }

    /** Number of sequences. */
    public int size() {
        return size;
    }

    public void clear() {
        size = 0;
        pageCount = 0;
        maxK = 0;
        sharedPages = null;
    }

    /** Adds the next token of a sequence that goes no further before the batch is filled again. */
    public void add(int token, int[] promptPages, int promptLength, int[] ownPages, int ownLength) {
        add(token, promptPages, promptLength, ownPages, ownLength, 1);
    }

    /**
     * Adds the next token of a sequence. Its position is promptLength + ownLength - 1, and its key and value go into
     * the last of the rows that ownLength tokens take of the sequence's own pages.
     *
     * @param token        the token itself
     * @param promptPages  the pages of the sequence's prompt; the same array for its siblings
     * @param promptLength tokens of the prompt, filled in by {@link Transformer#prefill}
     * @param ownPages     the pages of the sequence's completion, enough for ownLength + steps - 1 tokens
     * @param ownLength    tokens of the completion, this one included
     * @param steps        tokens that it may take, this one included, before the batch is filled again
     */
    public void add(int token, int[] promptPages, int promptLength, int[] ownPages, int ownLength, int steps) {
        if (ownLength < 1) {
            throw new IllegalArgumentException("the sequence's own length counts the new token: it is at least 1");
        }
        reserve();
        if (promptPages != sharedPages) {
            sharedPages = promptPages;
            sharedAt = table(promptPages, promptLength);
        }
        tokens[size] = token;
        positions[size] = promptLength + ownLength - 1;
        cacheRows[size] = row(ownPages, ownLength - 1, pageSize);
        int s = size * Segments.WIDTH;
        segments[s] = size;
        segments[s + 1] = 1;
        segments[s + 2] = sharedAt;
        segments[s + 3] = promptLength;
        segments[s + 4] = table(ownPages, ownLength + steps - 1);
        segments[s + 5] = ownLength;
        maxK = Math.max(maxK, promptLength + ownLength + steps - 1);
        size++;
    }

    /** The cache row of a sequence's token at an index, of those that begin with its first page. */
    public static int row(int[] pages, int index, int pageSize) {
        return pages[index / pageSize] * pageSize + index % pageSize;
    }

    private void reserve() {
        if (size == tokens.length) {
            tokens = Arrays.copyOf(tokens, 2 * size);
            positions = Arrays.copyOf(positions, 2 * size);
            cacheRows = Arrays.copyOf(cacheRows, 2 * size);
            segments = Arrays.copyOf(segments, 2 * segments.length);
        }
    }

    /** Appends the pages of a number of tokens to the table; returns the row there that the segment names. */
    private int table(int[] sequence, int length) {
        int count = (length + pageSize - 1) / pageSize;
        if (pageCount + count > pages.length) {
            pages = Arrays.copyOf(pages, 2 * (pageCount + count));
        }
        System.arraycopy(sequence, 0, pages, pageCount, count);
        pageCount += count;
        return Math.multiplyExact(pageCount - count, pageSize);
    }

    /**
     * All of it in device memory, with room for more.
     *
     * @param rows     of tokens and positions, at least {@link #size}: zeros follow
     * @param maxK     longest sequence that the step is to have room for
     * @param pageRoom entries of the page table, zeros at its end
     */
    DecodeInputs upload(Arena arena, int rows, int maxK, int pageRoom) {
        if (maxK < this.maxK || pageRoom < pageCount) {
            throw new IllegalArgumentException("no room for " + pageCount + " pages and sequences of " + this.maxK
                    + " tokens: only for " + pageRoom + " and " + maxK);
        }
        Tensor table = arena.zeros("pages", DType.I32, pageRoom);
        arena.device().upload(table.rows(0, pageCount), Arrays.copyOf(pages, pageCount));
        Segments uploaded = new Segments(arena.upload("segments", Arrays.copyOf(segments, size * Segments.WIDTH))
                .view(size, Segments.WIDTH), null, size, 0, 1, maxK, null);
        return new DecodeInputs(arena.upload("tokens", padded(tokens, rows)), arena.upload("positions",
                padded(positions, rows)), arena.upload("cache rows", Arrays.copyOf(cacheRows, size)), uploaded,
                new PageTable(table, pageSize));
    }

    private int[] padded(int[] values, int rows) {
        int[] result = new int[rows];
        System.arraycopy(values, 0, result, 0, size);
        return result;
    }
}
