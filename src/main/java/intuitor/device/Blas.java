package intuitor.device;

/**
 * Matrix multiplication, the one dense operation left to a vendor's library. All matrices are row-major; the same
 * shapes and inputs give the same bits on every call.
 */
public interface Blas extends AutoCloseable {

    /**
     * c = op(a) op(b), or c += op(a) op(b) if {@code accumulate}; op transposes if its flag is set. Sums are formed in
     * fp32 and rounded once, to c's type. Where K is 0 they are 0. On the CPU any shape costs the same the first time
     * and later; on a GPU the library is asked once how to multiply it, which takes a fraction of a millisecond.
     *
     * @param c [M,N]; F32, or the type of a and b
     * @param a [M,K], or [K,M] if transA; F32 or BF16
     * @param b [K,N], or [N,K] if transB; of a's type
     */
    void gemm(Tensor c, Tensor a, boolean transA, Tensor b, boolean transB, boolean accumulate);

    /**
     * Prepares op(b) to be the right factor of many products, as weights are in decoding: without this, every product
     * brings b into the library's inner order again, which for few rows of a costs more than the product itself. The
     * result takes memory of the arena if the library wants another order; else it stands for b, and b must live on.
     *
     * @param b        [K,N], or [N,K] if transB; later changes of b may or may not be seen
     * @param operands b's type; or BF16 where b is F32 and {@link #packsInBf16}: b is rounded, in every product a is,
     *                 too, and the sums are formed in fp32
     */
    PackedMatrix pack(Arena arena, Tensor b, boolean transB, DType operands);

    /** In b's own type. */
    default PackedMatrix pack(Arena arena, Tensor b, boolean transB) {
        return pack(arena, b, transB, b.dtype());
    }

    /** op(b) as it is, without a copy; b must live on. */
    default PackedMatrix unpacked(Tensor b, boolean transB) {
        return PackedMatrix.unchanged(b, transB);
    }

    /**
     * Columns first .. first + count - 1 of b as a factor of its own, without a copy; null where they do not lie in one
     * piece. Where they do for one tile of columns, they do for all that begin at multiples of its first column.
     */
    default PackedMatrix columns(PackedMatrix b, long first, long count) {
        return b.isTransposed() ? PackedMatrix.unchanged(b.data().rows(first, count), true) : null;
    }

    /** Whether matrices in fp32 can be packed in bf16. */
    boolean packsInBf16();

    /**
     * c = a b, with b from {@link #pack}.
     *
     * <p>A number of rows not seen before may cost a fraction of a millisecond once, and memory. Where it changes from
     * call to call, as in a batch that loses sequences one by one, allocate {@link #paddedRows} rows for a and c and
     * multiply all of them: what the extra rows hold is of no consequence to the others.
     *
     * @param c [M,N]
     * @param a [M,K]; of the type that b had before it was packed
     */
    void gemm(Tensor c, Tensor a, PackedMatrix b);

    /**
     * The next number of rows from a short list: powers of two up to 8, then steps of 8, then of an eighth of the next
     * lower power of two. At most an eighth is added beyond 64 rows.
     */
    default long paddedRows(long rows) {
        long step = rows <= 8 ? Long.highestOneBit(Math.max(1, 2 * rows - 1)) : Math.max(8,
                Long.highestOneBit(rows - 1) / 8);
        return (rows + step - 1) / step * step;
    }

    /**
     * Whether the bits of a row of {@link #gemm(Tensor, Tensor, PackedMatrix)} depend on that row of a and on b alone:
     * not on the number of rows, nor on their place, nor on the number of threads.
     */
    boolean isRowInvariant();

    /** Whether products are queued where the device's kernels are, and recorded with them ({@link Device#record}). */
    boolean isRecorded();

    @Override
    void close();
}
