package intuitor.device;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import intuitor.device.dnnl.Dnnl;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Matrix multiplication on the CPU by oneDNN, in fp32; where the processor has dot products of bf16, packed weights may
 * be in bf16. Other operands in bf16 are widened first, which changes no product: only tests have any in host memory.
 *
 * <p>Two of its ways are used. {@code dnnl_sgemm} takes any shape without preparation; at the sizes of training it is
 * as fast as the matmul primitive or a few per cent faster. The matmul primitive with packed weights wins where rows
 * are few: on one core of a Zen 4, for 512 x 3072 weights, 222 against 347 us for 1 row, 1.00 against 1.44 ms for 32,
 * 3.8 against 4.4 ms for 128. But making one for a shape generates code, 150-400 us and 300-400 kB of memory, so they
 * are kept, and {@link #paddedRows} limits the number of shapes.
 */
final class OneDnn implements Blas {

    /** Primitives kept; the least recently used one goes first. */
    private static final int CAPACITY = 192;
    /** oneDNN keeps this many besides: enough for the reorders of a model's different weights. */
    private static final int LIBRARY_CAPACITY = 64;
    /** Rows for which the order of packed weights is asked; where weights are packed it does not depend on them. */
    private static final long USUAL_ROWS = 128;

    /** Rows of a product at most; more are multiplied in parts. Larger ones are no faster. */
    private static final long MAX_ROWS = 512;
    /** A cache line. */
    private static final long ALIGNMENT = 64;
    /**
     * A product of less work is made by one thread: some 25 us, in units of 0.1 ns as in native/cpu/parallel.h. Threads
     * sleep while small products follow each other, and waking one takes 5 us on an idle machine, 100 beside other
     * work.
     */
    private static final long MIN_PARALLEL_WORK = 1 << 18;
    /** Rows that are multiplied by a weight in the time that it takes to come from the cache. */
    private static final long ROWS_PER_LOAD = 8;

    private record Weights(long k, long n, DType type) {

        static Weights of(PackedMatrix b) {
            return new Weights(b.rows(), b.columns(), b.data().dtype());
        }
    }

    /**
     * How oneDNN wants the weights of one shape: its memory descriptor and size.
     *
     * @param order  what else says where an element lies: strides of blocks, then the size and the dimension of each
     *               inner block
     * @param slices columns of the parts that follow each other in memory, if that is how it is; else 0
     */
    private record Layout(MemorySegment descriptor, long bytes, List<Long> order, long slices) {

        boolean blocked() {
            return order.size() > 2;
        }
    }

    private record Product(long m, Weights weights) {
    }

    private final NativeApi api;
    private final boolean bf16Dot;
    private final int threads;
    private final java.lang.foreign.Arena memory = java.lang.foreign.Arena.ofConfined();
    private final MemorySegment outcome; // a pointer's worth of results
    private final MemorySegment engine;
    private final MemorySegment stream;
    private MemorySegment twoRows; // of a, then of c
    private MemorySegment narrowed; // rows of a
    private final Map<Weights, Layout> layouts = new HashMap<>();
    private final Map<Product, OneDnnPrimitive> products = new LinkedHashMap<>(64, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Product, OneDnnPrimitive> eldest) {
            if (size() <= CAPACITY) {
                return false;
            }
            eldest.getValue().close();
            return true;
        }
    };

    /** @param api the device whose tensors are multiplied; they lie in host memory */
    OneDnn(NativeApi api) {
        this.api = api;
        this.bf16Dot = api.info().bf16Dot();
        this.threads = api.info().threads();
        NativeLibraries.loadOneDnn();
        outcome = memory.allocate(ADDRESS);
        check(Dnnl.dnnl_set_primitive_cache_capacity(LIBRARY_CAPACITY), "set_primitive_cache_capacity");
        check(Dnnl.dnnl_engine_create(outcome, Dnnl.dnnl_cpu(), 0), "engine_create");
        engine = outcome.get(ADDRESS, 0);
        check(Dnnl.dnnl_stream_create(outcome, engine, Dnnl.dnnl_stream_default_flags()), "stream_create");
        stream = outcome.get(ADDRESS, 0);
    }

    @Override
    public void gemm(Tensor c, Tensor a, boolean transA, Tensor b, boolean transB, boolean accumulate) {
        GemmShape shape = GemmShape.of(c, a, transA, b, transB);
        if (shape.isEmpty()) {
            return;
        }
        if (shape.type() == DType.F32) {
            sgemm(shape, c.address(), a.address(), transA, b.address(), transB, accumulate);
            return;
        }
        try (var scratch = java.lang.foreign.Arena.ofConfined()) {
            boolean narrow = c.dtype() != DType.F32;
            long sums = narrow ? scratch.allocate(JAVA_FLOAT, c.size()).address() : c.address();
            if (narrow && accumulate) {
                api.cast(sums, DType.F32, c.address(), c.dtype(), c.size());
            }
            sgemm(shape, sums, widened(scratch, a), transA, widened(scratch, b), transB, accumulate);
            if (narrow) {
                api.cast(c.address(), c.dtype(), sums, DType.F32, c.size());
            }
        }
    }

    private void sgemm(GemmShape s, long c, long a, boolean transA, long b, boolean transB, boolean accumulate) {
        if (s.k() == 0) { // which oneDNN refuses
            if (!accumulate) {
                api.zero(c, s.m() * s.n() * DType.F32.bytes());
            }
            return;
        }
        check(Dnnl.dnnl_sgemm((byte) (transA ? 'T' : 'N'), (byte) (transB ? 'T' : 'N'), s.m(), s.n(), s.k(), 1,
                MemorySegment.ofAddress(a), transA ? s.m() : s.k(), MemorySegment.ofAddress(b),
                transB ? s.k() : s.n(), accumulate ? 1 : 0, MemorySegment.ofAddress(c), s.n()), "sgemm");
    }

    /** The address of a copy in fp32. */
    private long widened(java.lang.foreign.Arena scratch, Tensor t) {
        long wide = scratch.allocate(JAVA_FLOAT, t.size()).address();
        api.cast(wide, DType.F32, t.address(), t.dtype(), t.size());
        return wide;
    }

    @Override
    public boolean packsInBf16() {
        return bf16Dot;
    }

    @Override
    public PackedMatrix pack(Arena arena, Tensor b, boolean transB, DType operands) {
        if (Checks.ENABLED) {
            Checks.rank("pack", "b", b, 2);
            Checks.that(operands == b.dtype() || operands == DType.BF16 && b.dtype() == DType.F32 && packsInBf16(),
                    "pack", "b is " + b.dtype() + " and cannot be packed in " + operands);
        }
        if (b.dtype() != DType.F32) {
            return PackedMatrix.unchanged(b, transB);
        }
        long k = b.dim(transB ? 1 : 0);
        long n = b.dim(transB ? 0 : 1);
        Layout layout = layout(new Weights(k, n, operands));
        if (!layout.blocked() && operands == b.dtype()) {
            return PackedMatrix.unchanged(b, transB);
        }
        Tensor packed = arena.allocate(b.name() + " packed", operands, layout.bytes() / operands.bytes());
        try (var descriptors = java.lang.foreign.Arena.ofConfined()) {
            MemorySegment source = matrix(descriptors, k, n, transB, b.dtype());
            check(Dnnl.dnnl_reorder_primitive_desc_create(outcome, source, engine, layout.descriptor(), engine,
                    MemorySegment.NULL), "reorder_primitive_desc_create");
            try (var reorder = new OneDnnPrimitive(engine, outcome.get(ADDRESS, 0),
                    new int[] {Dnnl.DNNL_ARG_SRC(), Dnnl.DNNL_ARG_DST()},
                    new MemorySegment[] {source, layout.descriptor()})) {
                reorder.execute(stream, b.address(), packed.address());
            }
            check(Dnnl.dnnl_memory_desc_destroy(source), "memory_desc_destroy");
        }
        return PackedMatrix.packed(packed, k, n);
    }

    @Override
    public void gemm(Tensor c, Tensor a, PackedMatrix b) {
        if (!b.isPacked()) {
            gemm(c, a, false, b.data(), b.isTransposed(), false);
            return;
        }
        long m = c.dim(0);
        if (Checks.ENABLED) {
            Checks.required("gemm", "c", c, DType.F32, m, b.columns());
            Checks.required("gemm", "a", a, DType.F32, m, b.rows());
            Checks.distinct("gemm", c, a);
        }
        if (m == 0) {
            return;
        }
        for (long from = 0; from < m; ) {
            long rows = Math.min(MAX_ROWS, flooredRows(m - from));
            if (rows == 1) {
                multiplyRow(c.rows(from, 1), a.rows(from, 1), b);
            } else {
                multiply(rows, c.rows(from, rows).address(), operand(a.rows(from, rows), b), b);
            }
            from += rows;
        }
    }

    /** The address of the rows in the type that b has. */
    private long operand(Tensor rows, PackedMatrix b) {
        DType type = b.data().dtype();
        if (type == rows.dtype()) {
            return rows.address();
        }
        narrowed = atLeast(narrowed, MAX_ROWS * b.rows() * type.bytes()); // what was smaller is freed late
        api.cast(narrowed.address(), type, rows.address(), rows.dtype(), rows.size());
        return narrowed.address();
    }

    /** The block, or a larger one. */
    private static MemorySegment atLeast(MemorySegment block, long bytes) {
        return block != null && block.byteSize() >= bytes ? block
                : java.lang.foreign.Arena.ofAuto().allocate(bytes, ALIGNMENT);
    }

    /** At least two: one row is multiplied as the first of two, and need not be copied if there is a second one. */
    @Override
    public long paddedRows(long rows) {
        return rows == 1 && isRowInvariant() ? 2 : Blas.super.paddedRows(rows);
    }

    /** The largest number of rows up to this that {@link Blas#paddedRows} has in its list; products have no others. */
    static long flooredRows(long rows) {
        long power = Long.highestOneBit(rows);
        long step = rows <= 8 ? power : Math.max(8, power / 8);
        return rows / step * step;
    }

    /**
     * One row is multiplied as the first of two: alone, its products with many inputs would be added in another order.
     */
    private void multiplyRow(Tensor c, Tensor a, PackedMatrix b) {
        DType type = b.data().dtype();
        long row = b.rows() * type.bytes();
        long results = (2 * row + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        twoRows = atLeast(twoRows, results + 2 * b.columns() * Float.BYTES);
        api.cast(twoRows.address(), type, a.address(), a.dtype(), b.rows());
        twoRows.asSlice(row, row).fill((byte) 0);
        multiply(2, twoRows.address() + results, twoRows.address(), b);
        MemorySegment.copy(twoRows, results, MemorySegment.ofAddress(c.address())
                .reinterpret(b.columns() * Float.BYTES), 0, b.columns() * Float.BYTES);
    }

    @Override
    public PackedMatrix columns(PackedMatrix b, long first, long count) {
        if (!b.isPacked()) {
            return Blas.super.columns(b, first, count);
        }
        Layout whole = layout(Weights.of(b));
        Layout part = layout(new Weights(b.rows(), count, b.data().dtype()));
        if (whole.slices() == 0 || first % whole.slices() != 0 || !whole.order().equals(part.order())) {
            return null;
        }
        long slice = whole.bytes() / Math.ceilDiv(b.columns(), whole.slices());
        int width = b.data().dtype().bytes();
        return PackedMatrix.packed(b.data().slice(first / whole.slices() * slice / width, part.bytes() / width),
                b.rows(), count);
    }

    private void multiply(long m, long c, long a, PackedMatrix b) {
        products.computeIfAbsent(new Product(m, Weights.of(b)), this::product)
                .execute(stream, a, b.data().address(), c);
    }

    /**
     * Where the library orders weights its own way, which it does from AVX-512 on: its kernels then add up the products
     * of an element in the order of their inputs, whatever the shape, if there is more than one row. Measured, and held
     * by OneDnnTest; where it takes weights as they are, the order depends on the number of rows.
     */
    @Override
    public boolean isRowInvariant() {
        return layout(new Weights(USUAL_ROWS, USUAL_ROWS, DType.F32)).blocked();
    }

    @Override
    public boolean isRecorded() {
        return false; // they are done at once
    }

    /** Frees every primitive, the stream and the engine. */
    @Override
    public void close() {
        products.values().forEach(OneDnnPrimitive::close);
        products.clear();
        layouts.values().forEach(l -> check(Dnnl.dnnl_memory_desc_destroy(l.descriptor()), "memory_desc_destroy"));
        layouts.clear();
        check(Dnnl.dnnl_stream_destroy(stream), "stream_destroy");
        check(Dnnl.dnnl_engine_destroy(engine), "engine_destroy");
        memory.close();
    }

    private Layout layout(Weights w) {
        return layouts.computeIfAbsent(w, this::preferredLayout);
    }

    /** The order that the matmul primitive prefers for weights of this shape. */
    private Layout preferredLayout(Weights w) {
        try (var arena = java.lang.foreign.Arena.ofConfined()) {
            MemorySegment src = matrix(arena, USUAL_ROWS, w.k(), false, w.type());
            MemorySegment dst = matrix(arena, USUAL_ROWS, w.n(), false, DType.F32);
            check(Dnnl.dnnl_memory_desc_create_with_tag(outcome, 2, arena.allocateFrom(JAVA_LONG, w.k(), w.n()),
                    type(w.type()), Dnnl.dnnl_format_tag_any()), "memory_desc_create_with_tag");
            MemorySegment any = outcome.get(ADDRESS, 0);
            MemorySegment matmul = matmul(src, any, dst);
            check(Dnnl.dnnl_memory_desc_clone(outcome,
                    Dnnl.dnnl_primitive_desc_query_md(matmul, Dnnl.dnnl_query_weights_md(), 0)), "memory_desc_clone");
            MemorySegment preferred = outcome.get(ADDRESS, 0);
            check(Dnnl.dnnl_primitive_desc_destroy(matmul), "primitive_desc_destroy");
            for (MemorySegment descriptor : new MemorySegment[] {src, any, dst}) {
                check(Dnnl.dnnl_memory_desc_destroy(descriptor), "memory_desc_destroy");
            }
            return layout(preferred, w);
        }
    }

    private Layout layout(MemorySegment descriptor, Weights w) {
        check(Dnnl.dnnl_memory_desc_query(descriptor, Dnnl.dnnl_query_inner_nblks_s32(), outcome), "memory_desc_query");
        int blocks = outcome.get(JAVA_INT, 0);
        List<Long> order = new ArrayList<>(dims(descriptor, Dnnl.dnnl_query_strides(), 2));
        List<Long> sizes = dims(descriptor, Dnnl.dnnl_query_inner_blks(), blocks);
        List<Long> dimensions = dims(descriptor, Dnnl.dnnl_query_inner_idxs(), blocks);
        order.addAll(sizes);
        order.addAll(dimensions);
        long slices = IntStream.range(0, blocks).filter(i -> dimensions.get(i) == 1).mapToLong(sizes::get)
                .reduce(1, (x, y) -> x * y);
        long bytes = Dnnl.dnnl_memory_desc_get_size(descriptor);
        boolean outermost = Math.ceilDiv(w.n(), slices) * order.get(1) * w.type().bytes() == bytes;
        return new Layout(descriptor, bytes, List.copyOf(order), outermost ? slices : 0);
    }

    /** The first so many numbers of an array that a descriptor holds. */
    private List<Long> dims(MemorySegment descriptor, int what, int count) {
        check(Dnnl.dnnl_memory_desc_query(descriptor, what, outcome), "memory_desc_query");
        MemorySegment values = outcome.get(ADDRESS, 0).reinterpret(count * JAVA_LONG.byteSize());
        return IntStream.range(0, count).mapToObj(i -> values.getAtIndex(JAVA_LONG, i)).toList();
    }

    private OneDnnPrimitive product(Product p) {
        try (var arena = java.lang.foreign.Arena.ofConfined()) {
            MemorySegment src = matrix(arena, p.m(), p.weights().k(), false, p.weights().type());
            MemorySegment dst = matrix(arena, p.m(), p.weights().n(), false, DType.F32);
            MemorySegment weights = layout(p.weights()).descriptor();
            OpenMpThreads.set(threads(p.m(), p.weights(), threads)); // the primitive keeps to what it was made under
            OneDnnPrimitive product;
            try {
                product = new OneDnnPrimitive(engine, matmul(src, weights, dst),
                        new int[] {Dnnl.DNNL_ARG_SRC(), Dnnl.DNNL_ARG_WEIGHTS(), Dnnl.DNNL_ARG_DST()},
                        new MemorySegment[] {src, weights, dst});
            } finally {
                OpenMpThreads.set(threads);
            }
            check(Dnnl.dnnl_memory_desc_destroy(src), "memory_desc_destroy");
            check(Dnnl.dnnl_memory_desc_destroy(dst), "memory_desc_destroy");
            return product;
        }
    }

    private static int threads(long rows, Weights w, int all) {
        return isSmall(rows, w.k(), w.n(), w.type()) ? 1 : all;
    }

    /** Whether waking other threads would cost more than the work that they take over. */
    static boolean isSmall(long m, long k, long n, DType type) {
        return k * n * type.bytes() / Float.BYTES * (ROWS_PER_LOAD + m) / ROWS_PER_LOAD < MIN_PARALLEL_WORK;
    }

    /** A primitive descriptor of dst = src weights. */
    private MemorySegment matmul(MemorySegment src, MemorySegment weights, MemorySegment dst) {
        check(Dnnl.dnnl_matmul_primitive_desc_create(outcome, engine, src, weights, MemorySegment.NULL, dst,
                MemorySegment.NULL), "matmul_primitive_desc_create");
        return outcome.get(ADDRESS, 0);
    }

    /** A descriptor of a row-major rows x columns matrix, or of the transpose of a row-major columns x rows one. */
    private MemorySegment matrix(java.lang.foreign.Arena arena, long rows, long columns, boolean transposed,
                                 DType type) {
        MemorySegment dims = arena.allocateFrom(JAVA_LONG, rows, columns);
        MemorySegment strides = transposed
                ? arena.allocateFrom(JAVA_LONG, 1, rows)
                : arena.allocateFrom(JAVA_LONG, columns, 1);
        check(Dnnl.dnnl_memory_desc_create_with_strides(outcome, 2, dims, type(type), strides),
                "memory_desc_create_with_strides");
        return outcome.get(ADDRESS, 0);
    }

    private static int type(DType type) {
        return type == DType.BF16 ? Dnnl.dnnl_bf16() : Dnnl.dnnl_f32();
    }

    /** Throws if a call of oneDNN failed. */
    static void check(int status, String call) {
        if (status != Dnnl.dnnl_success()) {
            throw new IllegalStateException("oneDNN's " + call + " failed with status " + status);
        }
    }
}
