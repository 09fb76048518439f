package intuitor.device;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import intuitor.device.cublaslt.CublasLtApi;
import intuitor.device.cublaslt.cublasLtMatmulAlgo_t;
import intuitor.device.cublaslt.cublasLtMatmulHeuristicResult_t;
import java.lang.foreign.MemorySegment;

/**
 * One kind of product as {@link CublasLt} hands it to the library: descriptors and algorithm. The row-major c [M,N] =
 * op(a) op(b) is the column-major c^T [N,M] = op(b)^T op(a)^T, so b is the library's left factor and a its right one.
 */
final class CublasLtProduct implements AutoCloseable {

    /** Algorithms asked for; the first that will do is taken. */
    private static final int PROPOSALS = 8;

    private final java.lang.foreign.Arena memory = java.lang.foreign.Arena.ofConfined();
    private final MemorySegment outcome = memory.allocate(ADDRESS);
    private final MemorySegment description;
    private final MemorySegment left;
    private final MemorySegment right;
    private final MemorySegment result;
    private final MemorySegment algorithm;

    /**
     * @param preference what the algorithm is chosen by: alignments, workspace, ways of summing
     * @param type       of c
     */
    CublasLtProduct(MemorySegment handle, MemorySegment preference, GemmShape s, boolean transA, boolean transB,
            DType type, long workspaceBytes) {
        int compute = s.type() == DType.F32
                ? CublasLtApi.CUBLAS_COMPUTE_32F_PEDANTIC()
                : CublasLtApi.CUBLAS_COMPUTE_32F();
        CublasLt.check(CublasLtApi.cublasLtMatmulDescCreate(outcome, compute, CublasLtApi.CUDA_R_32F()),
                "MatmulDescCreate");
        description = outcome.get(ADDRESS, 0);
        transpose(CublasLtApi.CUBLASLT_MATMUL_DESC_TRANSA(), transB);
        transpose(CublasLtApi.CUBLASLT_MATMUL_DESC_TRANSB(), transA);
        left = transB ? layout(s.type(), s.k(), s.n()) : layout(s.type(), s.n(), s.k());
        right = transA ? layout(s.type(), s.m(), s.k()) : layout(s.type(), s.k(), s.m());
        result = layout(type, s.n(), s.m());
        algorithm = chosen(handle, preference, workspaceBytes, type + " c of " + s);
    }

    private void transpose(int attribute, boolean flag) {
        int operation = flag ? CublasLtApi.CUBLAS_OP_T() : CublasLtApi.CUBLAS_OP_N();
        MemorySegment value = memory.allocateFrom(JAVA_INT, operation);
        CublasLt.check(CublasLtApi.cublasLtMatmulDescSetAttribute(description, attribute, value, value.byteSize()),
                "MatmulDescSetAttribute");
    }

    /** A dense column-major matrix. */
    private MemorySegment layout(DType type, long rows, long columns) {
        int code = type == DType.F32 ? CublasLtApi.CUDA_R_32F() : CublasLtApi.CUDA_R_16BF();
        CublasLt.check(CublasLtApi.cublasLtMatrixLayoutCreate(outcome, code, rows, columns, rows),
                "MatrixLayoutCreate");
        return outcome.get(ADDRESS, 0);
    }

    /** The first algorithm proposed that works, fits the workspace and adds in a fixed order. */
    private MemorySegment chosen(MemorySegment handle, MemorySegment preference, long workspaceBytes, String what) {
        MemorySegment proposals = cublasLtMatmulHeuristicResult_t.allocateArray(PROPOSALS, memory);
        CublasLt.check(CublasLtApi.cublasLtMatmulAlgoGetHeuristic(handle, description, left, right, result, result,
                preference, PROPOSALS, proposals, outcome), "MatmulAlgoGetHeuristic (" + what + ")");
        int found = outcome.get(JAVA_INT, 0);
        for (int i = 0; i < found; i++) {
            MemorySegment proposal = cublasLtMatmulHeuristicResult_t.asSlice(proposals, i);
            MemorySegment algo = cublasLtMatmulHeuristicResult_t.algo(proposal);
            if (cublasLtMatmulHeuristicResult_t.state(proposal) == CublasLtApi.CUBLAS_STATUS_SUCCESS()
                    && cublasLtMatmulHeuristicResult_t.workspaceSize(proposal) <= workspaceBytes
                    && addsInOrder(algo)) {
                return memory.allocate(cublasLtMatmulAlgo_t.layout()).copyFrom(algo);
            }
        }
        throw new IllegalStateException("cuBLASLt has no algorithm for " + what);
    }

    private boolean addsInOrder(MemorySegment algo) {
        CublasLt.check(CublasLtApi.cublasLtMatmulAlgoConfigGetAttribute(algo,
                CublasLtApi.CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME(), outcome, JAVA_INT.byteSize(), MemorySegment.NULL),
                "MatmulAlgoConfigGetAttribute");
        int scheme = outcome.get(JAVA_INT, 0);
        return scheme == CublasLtApi.CUBLASLT_REDUCTION_SCHEME_NONE()
                || scheme == CublasLtApi.CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE();
    }

    MemorySegment description() {
        return description;
    }

    /** Layout of the library's left factor, which is b. */
    MemorySegment left() {
        return left;
    }

    /** Layout of the library's right factor, which is a. */
    MemorySegment right() {
        return right;
    }

    /** Layout of c. */
    MemorySegment result() {
        return result;
    }

    MemorySegment algorithm() {
        return algorithm;
    }

    @Override
    public void close() {
        for (MemorySegment layout : new MemorySegment[] {left, right, result}) {
            CublasLt.check(CublasLtApi.cublasLtMatrixLayoutDestroy(layout), "MatrixLayoutDestroy");
        }
        CublasLt.check(CublasLtApi.cublasLtMatmulDescDestroy(description), "MatmulDescDestroy");
        memory.close();
    }
}
