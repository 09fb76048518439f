package intuitor.device;

/**
 * What a step of decoding reads, one token for each of N sequences, in device memory.
 *
 * @param tokens    int32 [N or more]: rows beyond N are there for the matrix library's sake ({@link Blas#paddedRows})
 * @param positions int32, as many: the tokens' positions
 * @param cacheRows int32 [N], the row of the cache where each token's key and value go
 * @param segments  what each token attends to; maxK may be larger than what the step needs
 * @param pages     where the rows are that segments name
 */
public record DecodeInputs(Tensor tokens, Tensor positions, Tensor cacheRows, Segments segments, PageTable pages) {

    /** N, the number of sequences. */
    public int size() {
        return segments.count();
    }
}
