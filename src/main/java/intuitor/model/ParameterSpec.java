package intuitor.model;

import java.util.List;

/**
 * One parameter: where it lies in the flat buffer of a {@link ParameterSet}, and the tensors of a Hugging Face folder
 * that make it up. Projections of the same input are fused, so that one GEMM serves them; their rows are stacked.
 *
 * @param name   our name; that of Hugging Face unless fused
 * @param kind   what it is, which decides how it is initialised
 * @param shape  [out, in] of a matrix, [n] of a bias or norm
 * @param offset first element in the flat buffer
 * @param parts  its tensors in a Hugging Face folder, from the first row to the last
 */
public record ParameterSpec(String name, Kind kind, List<Long> shape, long offset, List<Part> parts) {

    /** What a parameter is. */
    public enum Kind {
        /** A weight matrix or the embedding: random normal values at first. */
        MATRIX,
        /** A bias: 0 at first. */
        BIAS,
        /** The gain of an RMSNorm: 1 at first. */
        NORM
    }

    /** A tensor of a Hugging Face folder: {@code rows} rows of the parameter. */
    public record Part(String name, long rows) {
    }

    /** Number of elements. */
    public long size() {
        return shape.stream().reduce(1L, Math::multiplyExact);
    }

    long[] dims() {
        return shape.stream().mapToLong(Long::longValue).toArray();
    }
}
