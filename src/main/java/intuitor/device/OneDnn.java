package intuitor.device;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import intuitor.device.dnnl.Dnnl;
import intuitor.device.dnnl.dnnl_exec_arg_t;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Matrix multiplication on the CPU by oneDNN's matmul primitive.
 *
 * <p>Making a primitive generates code; running it with new addresses costs next to nothing. So primitives are cached
 * by shape, each with its memory objects and its argument list, and a call only sets three addresses.
 */
final class OneDnn implements Blas {

    /** Primitives kept; the least recently used one goes first. */
    private static final int CAPACITY = 1024;

    private record Key(DType dtype, long m, long n, long k, boolean transA, boolean transB, boolean accumulate) {
    }

    private final java.lang.foreign.Arena memory = java.lang.foreign.Arena.ofConfined();
    private final MemorySegment outcome; // a pointer's worth of results
    private final MemorySegment engine;
    private final MemorySegment stream;
    private final Map<Key, Matmul> cache = new LinkedHashMap<>(64, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Matmul> eldest) {
            if (size() <= CAPACITY) {
                return false;
            }
            eldest.getValue().close();
            return true;
        }
    };

    OneDnn() {
        NativeLibraries.loadOneDnn();
        outcome = memory.allocate(ADDRESS);
        check(Dnnl.dnnl_engine_create(outcome, Dnnl.dnnl_cpu(), 0), "engine_create");
        engine = outcome.get(ADDRESS, 0);
        check(Dnnl.dnnl_stream_create(outcome, engine, Dnnl.dnnl_stream_default_flags()), "stream_create");
        stream = outcome.get(ADDRESS, 0);
    }

    @Override
    public void gemm(Tensor c, Tensor a, boolean transA, Tensor b, boolean transB, boolean accumulate) {
        long m = c.dim(0);
        long n = c.dim(1);
        long k = a.dim(transA ? 0 : 1);
        if (Checks.ENABLED) {
            Checks.rank("gemm", "c", c, 2);
            Checks.required("gemm", "a", a, c.dtype(), transA ? k : m, transA ? m : k);
            Checks.required("gemm", "b", b, c.dtype(), transB ? n : k, transB ? k : n);
            Checks.distinct("gemm", c, a);
            Checks.distinct("gemm", c, b);
        }
        if (m == 0 || n == 0) {
            return;
        }
        cache.computeIfAbsent(new Key(c.dtype(), m, n, k, transA, transB, accumulate), Matmul::new)
                .execute(c.address(), a.address(), b.address());
    }

    /** Frees every primitive, the stream and the engine. */
    @Override
    public void close() {
        cache.values().forEach(Matmul::close);
        cache.clear();
        check(Dnnl.dnnl_stream_destroy(stream), "stream_destroy");
        check(Dnnl.dnnl_engine_destroy(engine), "engine_destroy");
        memory.close();
    }

    private static void check(int status, String call) {
        if (status != Dnnl.dnnl_success()) {
            throw new IllegalStateException("oneDNN " + call + " failed with status " + status);
        }
    }

    /** One primitive, its three memory objects and its argument list. */
    private final class Matmul implements AutoCloseable {

        private final java.lang.foreign.Arena arena = java.lang.foreign.Arena.ofConfined();
        private final MemorySegment primitive;
        private final MemorySegment src;
        private final MemorySegment weights;
        private final MemorySegment dst;
        private final MemorySegment arguments = dnnl_exec_arg_t.allocateArray(3, arena);

        Matmul(Key key) {
            MemorySegment srcDesc = matrix(key.dtype(), key.m(), key.k(), key.transA());
            MemorySegment weightsDesc = matrix(key.dtype(), key.k(), key.n(), key.transB());
            MemorySegment dstDesc = matrix(key.dtype(), key.m(), key.n(), false);
            primitive = primitive(key, srcDesc, weightsDesc, dstDesc);
            src = argument(0, Dnnl.DNNL_ARG_SRC(), srcDesc);
            weights = argument(1, Dnnl.DNNL_ARG_WEIGHTS(), weightsDesc);
            dst = argument(2, Dnnl.DNNL_ARG_DST(), dstDesc);
        }

        void execute(long c, long a, long b) {
            check(Dnnl.dnnl_memory_set_data_handle(src, MemorySegment.ofAddress(a)), "memory_set_data_handle");
            check(Dnnl.dnnl_memory_set_data_handle(weights, MemorySegment.ofAddress(b)), "memory_set_data_handle");
            check(Dnnl.dnnl_memory_set_data_handle(dst, MemorySegment.ofAddress(c)), "memory_set_data_handle");
            check(Dnnl.dnnl_primitive_execute(primitive, stream, 3, arguments), "primitive_execute");
            check(Dnnl.dnnl_stream_wait(stream), "stream_wait");
        }

        /** A row-major rows x columns matrix, or the transpose of a row-major columns x rows one. */
        private MemorySegment matrix(DType dtype, long rows, long columns, boolean transposed) {
            MemorySegment dims = arena.allocateFrom(JAVA_LONG, rows, columns);
            MemorySegment strides = transposed
                    ? arena.allocateFrom(JAVA_LONG, 1, rows)
                    : arena.allocateFrom(JAVA_LONG, columns, 1);
            check(Dnnl.dnnl_memory_desc_create_with_strides(outcome, 2, dims, type(dtype), strides),
                    "memory_desc_create_with_strides");
            return outcome.get(ADDRESS, 0);
        }

        private MemorySegment primitive(Key key, MemorySegment srcDesc, MemorySegment weightsDesc,
                MemorySegment dstDesc) {
            MemorySegment attributes = key.accumulate() ? accumulating() : MemorySegment.NULL;
            check(Dnnl.dnnl_matmul_primitive_desc_create(outcome, engine, srcDesc, weightsDesc, MemorySegment.NULL,
                    dstDesc, attributes), "matmul_primitive_desc_create for " + key);
            MemorySegment description = outcome.get(ADDRESS, 0);
            check(Dnnl.dnnl_primitive_create(outcome, description), "primitive_create for " + key);
            MemorySegment created = outcome.get(ADDRESS, 0);
            check(Dnnl.dnnl_primitive_desc_destroy(description), "primitive_desc_destroy");
            if (key.accumulate()) {
                check(Dnnl.dnnl_primitive_attr_destroy(attributes), "primitive_attr_destroy");
            }
            return created;
        }

        /** Attributes with the post-operation dst = result + 1 * dst. */
        private MemorySegment accumulating() {
            check(Dnnl.dnnl_primitive_attr_create(outcome), "primitive_attr_create");
            MemorySegment attributes = outcome.get(ADDRESS, 0);
            check(Dnnl.dnnl_post_ops_create(outcome), "post_ops_create");
            MemorySegment operations = outcome.get(ADDRESS, 0);
            check(Dnnl.dnnl_post_ops_append_sum(operations, 1, 0, Dnnl.dnnl_data_type_undef()), "post_ops_append_sum");
            check(Dnnl.dnnl_primitive_attr_set_post_ops(attributes, operations), "primitive_attr_set_post_ops");
            check(Dnnl.dnnl_post_ops_destroy(operations), "post_ops_destroy");
            return attributes;
        }

        /** Makes the memory object of one argument, its address still open, and enters it into the list. */
        private MemorySegment argument(int index, int role, MemorySegment description) {
            check(Dnnl.dnnl_memory_create(outcome, description, engine, MemorySegment.NULL), "memory_create");
            MemorySegment object = outcome.get(ADDRESS, 0);
            check(Dnnl.dnnl_memory_desc_destroy(description), "memory_desc_destroy");
            MemorySegment argument = dnnl_exec_arg_t.asSlice(arguments, index);
            dnnl_exec_arg_t.arg(argument, role);
            dnnl_exec_arg_t.memory(argument, object);
            return object;
        }

        @Override
        public void close() {
            check(Dnnl.dnnl_primitive_destroy(primitive), "primitive_destroy");
            check(Dnnl.dnnl_memory_destroy(src), "memory_destroy");
            check(Dnnl.dnnl_memory_destroy(weights), "memory_destroy");
            check(Dnnl.dnnl_memory_destroy(dst), "memory_destroy");
            arena.close();
        }
    }

    private static int type(DType dtype) {
        return switch (dtype) {
            case F32 -> Dnnl.dnnl_f32();
            case BF16 -> Dnnl.dnnl_bf16();
            default -> throw new IllegalArgumentException("gemm of " + dtype);
        };
    }
}
