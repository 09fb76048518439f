package intuitor.model;

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
 */
record Pass(Tensor tokens, Tensor positions, Tensor rope, Segments segments, CacheUse cache) {

    /**
     * @param cache  the cache to write to
     * @param rows   int32, the cache row of each row of the batch. In decoding there may be fewer of them than T: the
     *               rows beyond are there for the matrix library's sake ({@link intuitor.device.Blas#paddedRows})
     * @param packed weights for decoding, where segments number rows of the cache; null in prefill, where they number
     *               rows of the batch
     */
    record CacheUse(KvCache cache, Tensor rows, PackedWeights packed) {
    }

    /** T, rows of the batch. */
    long rows() {
        return tokens.size();
    }

    /** Is this pass one token for each of a number of sequences in the cache? */
    boolean decoding() {
        return cache != null && cache.packed != null;
    }

    /** The packed weights of a layer, or none. */
    PackedWeights.Layer packed(int layer) {
        return decoding() ? cache.packed.layer(layer) : PackedWeights.Layer.NONE;
    }
}
