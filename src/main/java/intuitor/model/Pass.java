package intuitor.model;

import intuitor.device.PageTable;
import intuitor.device.Segments;
import intuitor.device.Tensor;

/**
 * What every layer of one pass over a batch needs to know; tensors are in device memory.
 *
 * @param tokens    int32 [T]
 * @param positions int32 [T]
 * @param rope      the rotary table
 * @param segments  what each row attends to
 * @param cache     where the keys and values of the rows go, or null
 * @param packed    what to multiply by in place of the plain weights, or null
 */
record Pass(Tensor tokens, Tensor positions, Tensor rope, Segments segments, CacheUse cache,
            PackedWeights packed) {

    /**
     * @param cache the cache to write to
     * @param rows  int32, the cache row of each row of the batch. There may be fewer of them than T: the rows beyond
     *              are there for the matrix library's sake ({@link intuitor.device.Blas#paddedRows})
     * @param pages in decoding, one token for each of a number of sequences in the cache, where the rows are that
     *              segments name; null in prefill, where they are rows of the batch
     */
    record CacheUse(KvCache cache, Tensor rows, PageTable pages) {
    }

    /** T, rows of the batch. */
    long rows() {
        return tokens.size();
    }

    /** The packed weights of a layer, or none. */
    PackedWeights.Layer packed(int layer) {
        return packed == null ? PackedWeights.Layer.NONE : packed.layer(layer);
    }
}
