package intuitor.device;

/**
 * The sequences of a packed batch, as attention sees them: the ABI's {@code it_segment[count]} in device memory.
 *
 * @param segments    int32 [count, 6]: q_start, q_len, prefix_start, prefix_len, k_start, k_len of each sequence
 * @param families    int32 [familyCount + 1]: segments families[f] .. families[f+1]-1 share a prefix; null where no
 *                    gradient is wanted
 * @param count       number of segments
 * @param familyCount number of families
 * @param maxQ        largest q_len
 * @param maxK        largest prefix_len + k_len
 * @param starts      on the host, the first row of each sequence and, last, the number of rows [count + 1], where each
 *                    sequence attends to its own rows only; null where some have a prefix or keys elsewhere
 */
public record Segments(Tensor segments, Tensor families, int count, int familyCount, int maxQ, int maxK, int[] starts) {

    /** Columns of a segment. */
    public static final int WIDTH = 6;
}
