package intuitor.device;

import java.util.Locale;

/**
 * The LM head, forward: from hidden states to what is asked of the distribution of each row, in memory that does not
 * depend on the width of the head. The implementations agree up to rounding, and each gives a row the same bits for the
 * same input.
 */
public interface HeadForward {

    /** How it is computed. */
    enum Kind {
        /** {@link TiledHead}: a product by the matrix library and a reduction, tile after tile of the vocabulary. */
        TILED,
        /** {@link FusedHead}: in one kernel: bf16, on a GPU of compute capability 9.0. */
        FUSED;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Rows at a time at most. */
    long rows();

    /**
     * What is wanted of some rows.
     *
     * @param out                  for n rows, at most {@link #rows}
     * @param hidden               [at least n, H]; of packed weights, {@link Blas#paddedRows} of n: what the rows from
     *                             n on hold is of no consequence
     * @param targets              int32 [n]
     * @param temperature          divides the logits for all but self-certainty
     * @param certaintyTemperature divides the logits for self-certainty
     */
    void reduce(VocabStats out, Tensor hidden, Tensor targets, double temperature, double certaintyTemperature);
}
