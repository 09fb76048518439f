package intuitor.rollout;

import intuitor.device.Blas;
import intuitor.model.ModelConfig;
import java.util.List;

/**
 * The shape of a run of decoding. Batches of about the same size and length can have the same one, so that a step of
 * one of them that was recorded serves all; the places beyond a batch's own sequences are idle then.
 *
 * @param places sequences of a step, idle ones included
 * @param maxK   longest sequence that it has room for, prompt and completion together
 * @param steps  that it has room for
 */
record DecodeBucket(int places, int maxK, int steps) {

    private static final int SHORTEST = 256;

    /** Room for just these sequences and steps. */
    static DecodeBucket exact(List<GrowingSequence> batch, int steps, int maxLength) {
        return new DecodeBucket(batch.size(), longest(batch, steps, maxLength), steps);
    }

    /**
     * Room for as many sequences as the matrix library's products are padded to, and for the next power of two of their
     * length.
     *
     * @param steps    that the sequences are about to make
     * @param maxSteps of any run
     */
    static DecodeBucket rounded(List<GrowingSequence> batch, int steps, int maxSteps, int maxLength, Blas blas,
                                ModelConfig model) {
        int longest = longest(batch, steps, maxLength);
        int maxK = Math.max(SHORTEST, 2 * Integer.highestOneBit(longest - 1));
        return new DecodeBucket(Math.toIntExact(blas.paddedRows(batch.size())),
                Math.max(longest, Math.min(maxK, model.maxPositions())), maxSteps);
    }

    private static int longest(List<GrowingSequence> batch, int steps, int maxLength) {
        return batch.stream().mapToInt(s -> s.shared.tokens.length + s.length() + s.ahead(steps, maxLength) - 1).max()
                .orElseThrow();
    }

    /** Entries of a page table that is long enough: prompt and completion each begin a page. */
    int pages(int pageSize) {
        return Math.multiplyExact(places, maxK / pageSize + 2);
    }
}
