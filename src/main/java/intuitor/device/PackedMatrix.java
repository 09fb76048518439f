package intuitor.device;

/** The right factor of many products, prepared by {@link Blas#pack}; lives as long as the memory it was packed into. */
public final class PackedMatrix {

    private final Tensor data;
    private final long rows;
    private final long columns;
    private final boolean packed;
    private final boolean transposed;

    private PackedMatrix(Tensor data, long rows, long columns, boolean packed, boolean transposed) {
        this.data = data;
        this.rows = rows;
        this.columns = columns;
        this.packed = packed;
        this.transposed = transposed;
    }

    /** data holds a rows x columns matrix in the library's own order. */
    static PackedMatrix packed(Tensor data, long rows, long columns) {
        return new PackedMatrix(data, rows, columns, true, false);
    }

    /** The library wants no other order than b's own. */
    static PackedMatrix unchanged(Tensor b, boolean transposed) {
        return new PackedMatrix(b, b.dim(transposed ? 1 : 0), b.dim(transposed ? 0 : 1), false, transposed);
    }

    /** K of the products. */
    public long rows() {
        return rows;
    }

    /** N of the products. */
    public long columns() {
        return columns;
    }

    /** The elements; those of the matrix itself unless it {@link #isPacked}. */
    public Tensor data() {
        return data;
    }

    /** Whether it is a copy in the library's own order; else it stands for the matrix itself, which must live on. */
    public boolean isPacked() {
        return packed;
    }

    /** Whether an unchanged matrix is to be read as its transpose. */
    boolean isTransposed() {
        return transposed;
    }
}
