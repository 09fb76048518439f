package intuitor.device;

/** Matrix multiplication, the one dense operation left to a vendor's library. */
public interface Blas extends AutoCloseable {

    /**
     * c = op(a) op(b), or c += op(a) op(b) if {@code accumulate}.
     *
     * <p>All three are two-dimensional and row-major; op transposes if its flag is set. The same shapes and inputs give
     * the same bits on every call.
     *
     * @param c [M,N]
     * @param a [M,K], or [K,M] if transA
     * @param b [K,N], or [N,K] if transB
     */
    void gemm(Tensor c, Tensor a, boolean transA, Tensor b, boolean transB, boolean accumulate);

    @Override
    void close();
}
