package intuitor.model;

import intuitor.device.Segments;
import intuitor.device.Tensor;

/**
 * What every layer of one pass over a batch needs to know, in device memory.
 *
 * @param tokens    int32 [T]
 * @param positions int32 [T]
 * @param rope      the rotary table
 * @param segments  what each row attends to
 * @param cache     where the keys and values of the rows go, or null
 */
record Pass(Tensor tokens, Tensor positions, Tensor rope, Segments segments, CacheUse cache) {

    /**
     * @param cache    the cache to write to
     * @param rows     int32 [T], the cache row of each row of the batch
     * @param keysFrom whether segments number rows of the cache (decoding) or of the batch itself (prefill)
     */
    record CacheUse(KvCache cache, Tensor rows, KeysFrom keysFrom) {
    }

    enum KeysFrom { BATCH, CACHE }

    /** T, rows of the batch. */
    long rows() {
        return tokens.size();
    }
}
