package intuitor.device;

/**
 * c = op(a) op(b) as every {@link Blas} takes it: c [M,N], op(a) [M,K], op(b) [K,N].
 *
 * @param type of a and b
 */
record GemmShape(long m, long n, long k, DType type) {

    /** The shape of a product; under {@link Checks}, only if shapes and types fit and c overlaps neither factor. */
    static GemmShape of(Tensor c, Tensor a, boolean transA, Tensor b, boolean transB) {
        if (Checks.ENABLED) {
            Checks.rank("gemm", "c", c, 2);
            Checks.rank("gemm", "a", a, 2);
        }
        var shape = new GemmShape(c.dim(0), c.dim(1), a.dim(transA ? 0 : 1), a.dtype());
        if (Checks.ENABLED) {
            shape.check(c, a, transA, b, transB);
        }
        return shape;
    }

    private void check(Tensor c, Tensor a, boolean transA, Tensor b, boolean transB) {
        Checks.that(type == DType.F32 || type == DType.BF16, "gemm", "a must be F32 or BF16, not " + a);
        Checks.required("gemm", "c", c, c.dtype() == type ? type : DType.F32, m, n);
        Checks.required("gemm", "a", a, type, transA ? k : m, transA ? m : k);
        Checks.required("gemm", "b", b, type, transB ? n : k, transB ? k : n);
        Checks.distinct("gemm", c, a);
        Checks.distinct("gemm", c, b);
    }

    /** Whether c has no element, so that there is nothing to do. */
    boolean isEmpty() {
        return m == 0 || n == 0;
    }
}
