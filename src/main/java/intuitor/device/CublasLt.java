package intuitor.device;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import intuitor.UserError;
import intuitor.device.cublaslt.CublasLtApi;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Matrix multiplication on a GPU by cuBLASLt: F32 or BF16 operands, sums in fp32. Products of F32 are true fp32, never
 * TF32.
 *
 * <p>The same shape gives the same bits, in every run on the same GPU with the same library: the algorithm is the first
 * that cuBLASLt's heuristic proposes, which depends on the shape and on nothing measured, and it either sums over K in
 * one go or keeps its partial sums in fp32 and adds them in order ({@code REDUCTION_SCHEME_COMPUTE_TYPE}). What the
 * heuristic says is kept by shape: asking takes longer than a small product.
 *
 * <p>cuBLASLt's matrices are column-major. A row-major matrix is the transpose of a column-major one at the same
 * address, so c = op(a) op(b) is computed as c^T = op(b)^T op(a)^T without moving anything.
 *
 * <p>No epilogue is used. The one bias of the models here, that of queries, keys and values, is added by the kernel
 * that rotates them, which reads and writes them anyway; and beta = 1 is the accumulation.
 */
final class CublasLt implements Blas {

    /** What NVIDIA recommends for Hopper; on an A100 4 MiB would do. */
    private static final long WORKSPACE_BYTES = 32L << 20;
    private static final long WORKSPACE_ALIGNMENT = 256;
    /** Products kept; the least recently used one goes first. */
    private static final int CAPACITY = 1024;

    /** What an algorithm is chosen by. Alignments, in bytes, follow from what the program does, not from chance. */
    private record Key(GemmShape shape, boolean transA, boolean transB, DType result, int alignA, int alignB,
            int alignC) {
    }

    private final NativeApi api;
    private final java.lang.foreign.Arena memory = java.lang.foreign.Arena.ofConfined();
    private final MemorySegment handle;
    private final MemorySegment preference;
    private final MemorySegment zero = memory.allocateFrom(JAVA_FLOAT, 0);
    private final MemorySegment one = memory.allocateFrom(JAVA_FLOAT, 1);
    private final MemorySegment workspace;
    private final Map<Key, CublasLtProduct> products = new LinkedHashMap<>(64, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, CublasLtProduct> eldest) {
            if (size() <= CAPACITY) {
                return false;
            }
            eldest.getValue().close();
            return true;
        }
    };

    /**
     * The library is loaded already.
     *
     * @param arena the workspace's; its device's tensors are multiplied, on its device's stream
     */
    CublasLt(Arena arena) {
        api = arena.device().api();
        MemorySegment outcome = memory.allocate(ADDRESS);
        int status = CublasLtApi.cublasLtCreate(outcome);
        if (status != CublasLtApi.CUBLAS_STATUS_SUCCESS()) {
            throw new UserError("cuBLASLt does not start (" + statusName(status)
                    + "): is the driver as new as this version of CUDA? `doctor` names both");
        }
        handle = outcome.get(ADDRESS, 0);
        check(CublasLtApi.cublasLtMatmulPreferenceCreate(outcome), "MatmulPreferenceCreate");
        preference = outcome.get(ADDRESS, 0);
        prefer(CublasLtApi.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES(),
                memory.allocateFrom(JAVA_LONG, WORKSPACE_BYTES));
        prefer(CublasLtApi.CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK(),
                memory.allocateFrom(JAVA_INT, CublasLtApi.CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE()));
        workspace = MemorySegment.ofAddress(aligned(arena.allocate("cuBLASLt's workspace", DType.F32,
                (WORKSPACE_BYTES + WORKSPACE_ALIGNMENT) / DType.F32.bytes()).address()));
    }

    private static long aligned(long address) {
        return (address + WORKSPACE_ALIGNMENT - 1) / WORKSPACE_ALIGNMENT * WORKSPACE_ALIGNMENT;
    }

    @Override
    public void gemm(Tensor c, Tensor a, boolean transA, Tensor b, boolean transB, boolean accumulate) {
        GemmShape shape = GemmShape.of(c, a, transA, b, transB);
        if (shape.isEmpty()) {
            return;
        }
        if (shape.k() == 0) {
            if (!accumulate) {
                api.zero(c.address(), c.bytes());
            }
            return;
        }
        var key = new Key(shape, transA, transB, c.dtype(), alignment(a), alignment(b), alignment(c));
        CublasLtProduct product = products.computeIfAbsent(key, this::product);
        MemorySegment result = MemorySegment.ofAddress(c.address());
        check(CublasLtApi.cublasLtMatmul(handle, product.description(), one,
                MemorySegment.ofAddress(b.address()), product.left(), MemorySegment.ofAddress(a.address()),
                product.right(), accumulate ? one : zero, result, product.result(), result, product.result(),
                product.algorithm(), workspace, WORKSPACE_BYTES, MemorySegment.ofAddress(api.stream())), "Matmul");
    }

    @Override
    public boolean packsInBf16() {
        return false; // where bf16 is wanted, all weights and activations are
    }

    /** cuBLASLt takes the factors in their own order. */
    @Override
    public PackedMatrix pack(Arena arena, Tensor b, boolean transB, DType operands) {
        if (Checks.ENABLED) {
            Checks.rank("pack", "b", b, 2);
            Checks.that(operands == b.dtype(), "pack", "b is " + b.dtype() + ", not " + operands);
        }
        return PackedMatrix.unchanged(b, transB);
    }

    @Override
    public void gemm(Tensor c, Tensor a, PackedMatrix b) {
        gemm(c, a, false, b.data(), b.isTransposed(), false);
    }

    /** Its algorithms are chosen by the number of rows. */
    @Override
    public boolean isRowInvariant() {
        return false;
    }

    @Override
    public boolean isRecorded() {
        return true;
    }

    /** Frees everything but the workspace, which is the arena's. */
    @Override
    public void close() {
        products.values().forEach(CublasLtProduct::close);
        products.clear();
        check(CublasLtApi.cublasLtMatmulPreferenceDestroy(preference), "MatmulPreferenceDestroy");
        check(CublasLtApi.cublasLtDestroy(handle), "Destroy");
        memory.close();
    }

    private CublasLtProduct product(Key key) {
        GemmShape s = key.shape();
        try (var scratch = java.lang.foreign.Arena.ofConfined()) {
            prefer(CublasLtApi.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES(),
                    scratch.allocateFrom(JAVA_INT, key.alignB()));
            prefer(CublasLtApi.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES(),
                    scratch.allocateFrom(JAVA_INT, key.alignA()));
            prefer(CublasLtApi.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES(),
                    scratch.allocateFrom(JAVA_INT, key.alignC()));
            prefer(CublasLtApi.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES(),
                    scratch.allocateFrom(JAVA_INT, key.alignC()));
        }
        return new CublasLtProduct(handle, preference, s, key.transA(), key.transB(), key.result(), WORKSPACE_BYTES);
    }

    private void prefer(int attribute, MemorySegment value) {
        check(CublasLtApi.cublasLtMatmulPreferenceSetAttribute(preference, attribute, value, value.byteSize()),
                "MatmulPreferenceSetAttribute");
    }

    /**
     * A power of two that divides a tensor's address, up to what every allocation is aligned to: beyond that it would
     * depend on where the driver happened to put a block, and the algorithm with it.
     */
    private static int alignment(Tensor t) {
        return (int) Math.min(Blocks.ALIGNMENT, Long.lowestOneBit(t.address()));
    }

    /** Throws if a call of cuBLASLt failed. */
    static void check(int status, String call) {
        if (status != CublasLtApi.CUBLAS_STATUS_SUCCESS()) {
            throw new IllegalStateException("cublasLt" + call + " failed: " + statusName(status));
        }
    }

    private static String statusName(int status) {
        return CublasLtApi.cublasLtGetStatusName(status).getString(0);
    }
}
