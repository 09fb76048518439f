package intuitor.device;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import intuitor.device.cudnn.CudnnApi;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A graph of operations for cuDNN, in the making: tensors of four dimensions [batch, heads, rows, columns], and
 * operations on them in the order in which they are called for. Sums are formed in fp32. A dimension of 1 is repeated
 * where an operation needs more, and so is each head where there are more heads on the other side.
 *
 * @see <a href="https://docs.nvidia.com/deeplearning/cudnn/">cuDNN, graph API</a>
 */
final class CudnnGraph implements AutoCloseable {

    /** What every tensor in memory is aligned to at least, in bytes. */
    private static final long BYTE_ALIGNMENT = 16;

    /**
     * A tensor of a graph.
     *
     * @param uid  its number in the graph
     * @param dims [batch, heads, rows, columns]
     * @param type CUDNN_DATA_...
     */
    record Node(MemorySegment descriptor, long uid, long[] dims, int type) {
    }

    private final java.lang.foreign.Arena memory = java.lang.foreign.Arena.ofConfined();
    private final MemorySegment outcome = memory.allocate(ADDRESS);
    private final List<MemorySegment> descriptors = new ArrayList<>();
    private final List<MemorySegment> operations = new ArrayList<>();
    private final Map<Long, MemorySegment> constants = new LinkedHashMap<>(); // by uid
    private long nodes;

    /** A tensor in device memory; its address is given when the plan runs. */
    Node input(int type, long[] dims, long[] strides) {
        return node(type, dims, strides, false, null);
    }

    /**
     * A tensor in device memory whose batch entries begin where {@code offsets} says.
     *
     * @param offsets int32 [batch + 1, 1, 1, 1], in elements
     */
    Node ragged(int type, long[] dims, long[] strides, Node offsets) {
        return node(type, dims, strides, false, offsets);
    }

    /** A number; the plan brings it along. */
    Node constant(float value) {
        MemorySegment descriptor = create(CudnnApi.CUDNN_BACKEND_TENSOR_DESCRIPTOR());
        set(descriptor, CudnnApi.CUDNN_ATTR_TENSOR_IS_BY_VALUE(), CudnnApi.CUDNN_TYPE_BOOLEAN(),
                memory.allocateFrom(JAVA_BYTE, (byte) 1));
        Node node = described(descriptor, CudnnApi.CUDNN_DATA_FLOAT(), new long[] {1, 1, 1, 1},
                new long[] {1, 1, 1, 1});
        constants.put(node.uid(), memory.allocateFrom(JAVA_FLOAT, value));
        return node;
    }

    /** A tensor between operations, never stored. */
    Node between(int type, long... dims) {
        return node(type, dims, dense(dims), true, null);
    }

    /**
     * The transpose of the last two dimensions, as a virtual tensor.
     *
     * @param strides of the result
     * @param offsets where x is ragged, its offsets; else null
     */
    Node transposed(Node x, int type, long[] strides, Node offsets) {
        long[] dims = {x.dims()[0], x.dims()[1], x.dims()[3], x.dims()[2]};
        Node y = node(type, dims, strides, true, offsets);
        MemorySegment operation = create(CudnnApi.CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR());
        link(operation, CudnnApi.CUDNN_ATTR_OPERATION_RESHAPE_XDESC(), x.descriptor());
        link(operation, CudnnApi.CUDNN_ATTR_OPERATION_RESHAPE_YDESC(), y.descriptor());
        add(operation);
        return y;
    }

    /** Element by element, into a tensor between operations of type fp32. */
    Node pointwise(int mode, Node x, Node b) {
        Node y = between(CudnnApi.CUDNN_DATA_FLOAT(), broad(x, b));
        pointwise(mode, CudnnApi.CUDNN_DATA_FLOAT(), x, b, null, y, -1);
        return y;
    }

    /** The index of each element along an axis, as int32; the precision decides nothing but the pattern. */
    Node index(Node like, int axis, int precision) {
        Node y = between(CudnnApi.CUDNN_DATA_INT32(), like.dims());
        pointwise(CudnnApi.CUDNN_POINTWISE_GEN_INDEX(), precision, like, null, null, y, axis);
        return y;
    }

    /** A comparison, or a logical operation: a boolean for each element. */
    Node test(int mode, Node x, Node b) {
        Node y = between(CudnnApi.CUDNN_DATA_BOOLEAN(), broad(x, b));
        pointwise(mode, CudnnApi.CUDNN_DATA_BOOLEAN(), x, b, null, y, -1);
        return y;
    }

    /** x where the test holds, else b. */
    Node select(Node test, Node x, Node b) {
        Node y = between(CudnnApi.CUDNN_DATA_FLOAT(), x.dims());
        pointwise(CudnnApi.CUDNN_POINTWISE_BINARY_SELECT(), CudnnApi.CUDNN_DATA_FLOAT(), x, b, test, y, -1);
        return y;
    }

    /** Element by element, into y; b and t may be null, axis is -1 where there is none. */
    void pointwise(int mode, int precision, Node x, Node b, Node t, Node y, int axis) {
        MemorySegment how = create(CudnnApi.CUDNN_BACKEND_POINTWISE_DESCRIPTOR());
        set(how, CudnnApi.CUDNN_ATTR_POINTWISE_MODE(), CudnnApi.CUDNN_TYPE_POINTWISE_MODE(), number(mode));
        set(how, CudnnApi.CUDNN_ATTR_POINTWISE_MATH_PREC(), CudnnApi.CUDNN_TYPE_DATA_TYPE(), number(precision));
        if (axis >= 0) {
            set(how, CudnnApi.CUDNN_ATTR_POINTWISE_AXIS(), CudnnApi.CUDNN_TYPE_INT64(), numbers(axis));
        }
        finish(how);
        MemorySegment operation = create(CudnnApi.CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR());
        link(operation, CudnnApi.CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR(), how);
        link(operation, CudnnApi.CUDNN_ATTR_OPERATION_POINTWISE_XDESC(), x.descriptor());
        if (b != null) {
            link(operation, CudnnApi.CUDNN_ATTR_OPERATION_POINTWISE_BDESC(), b.descriptor());
        }
        if (t != null) {
            link(operation, CudnnApi.CUDNN_ATTR_OPERATION_POINTWISE_TDESC(), t.descriptor());
        }
        link(operation, CudnnApi.CUDNN_ATTR_OPERATION_POINTWISE_YDESC(), y.descriptor());
        add(operation);
    }

    /**
     * c = a b for each batch entry and head, of which only the first m rows, n columns and k terms count; m, n and k
     * are int32 [batch, 1, 1, 1], or null for all of them.
     *
     * @param padded whether what lies beyond is 0 in the result
     */
    void matmul(Node c, Node a, Node b, Node m, Node n, Node k, boolean padded) {
        MemorySegment how = create(CudnnApi.CUDNN_BACKEND_MATMUL_DESCRIPTOR());
        set(how, CudnnApi.CUDNN_ATTR_MATMUL_COMP_TYPE(), CudnnApi.CUDNN_TYPE_DATA_TYPE(),
                number(CudnnApi.CUDNN_DATA_FLOAT()));
        if (padded) {
            set(how, CudnnApi.CUDNN_ATTR_MATMUL_PADDING_VALUE(), CudnnApi.CUDNN_TYPE_DOUBLE(),
                    memory.allocateFrom(JAVA_DOUBLE, 0));
        }
        finish(how);
        MemorySegment operation = create(CudnnApi.CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR());
        link(operation, CudnnApi.CUDNN_ATTR_OPERATION_MATMUL_ADESC(), a.descriptor());
        link(operation, CudnnApi.CUDNN_ATTR_OPERATION_MATMUL_BDESC(), b.descriptor());
        link(operation, CudnnApi.CUDNN_ATTR_OPERATION_MATMUL_CDESC(), c.descriptor());
        Node[] counts = {m, n, k};
        int[] names = {CudnnApi.CUDNN_ATTR_OPERATION_MATMUL_GEMM_M_OVERRIDE_DESC(),
            CudnnApi.CUDNN_ATTR_OPERATION_MATMUL_GEMM_N_OVERRIDE_DESC(),
            CudnnApi.CUDNN_ATTR_OPERATION_MATMUL_GEMM_K_OVERRIDE_DESC()};
        for (int i = 0; i < counts.length; i++) {
            if (counts[i] != null) {
                link(operation, names[i], counts[i].descriptor());
            }
        }
        link(operation, CudnnApi.CUDNN_ATTR_OPERATION_MATMUL_DESC(), how);
        add(operation);
    }

    /** y = x reduced along the dimensions in which y is smaller; heads by groups of neighbours. */
    void reduce(int operator, Node x, Node y) {
        MemorySegment how = create(CudnnApi.CUDNN_BACKEND_REDUCTION_DESCRIPTOR());
        set(how, CudnnApi.CUDNN_ATTR_REDUCTION_COMP_TYPE(), CudnnApi.CUDNN_TYPE_DATA_TYPE(),
                number(CudnnApi.CUDNN_DATA_FLOAT()));
        set(how, CudnnApi.CUDNN_ATTR_REDUCTION_OPERATOR(), CudnnApi.CUDNN_TYPE_REDUCTION_OPERATOR_TYPE(),
                number(operator));
        finish(how);
        MemorySegment operation = create(CudnnApi.CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR());
        link(operation, CudnnApi.CUDNN_ATTR_OPERATION_REDUCTION_XDESC(), x.descriptor());
        link(operation, CudnnApi.CUDNN_ATTR_OPERATION_REDUCTION_YDESC(), y.descriptor());
        link(operation, CudnnApi.CUDNN_ATTR_OPERATION_REDUCTION_DESC(), how);
        add(operation);
    }

    /** Ends the graph, and makes a plan of it. */
    CudnnPlan plan(MemorySegment handle) {
        MemorySegment graph = create(CudnnApi.CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR());
        set(graph, CudnnApi.CUDNN_ATTR_OPERATIONGRAPH_HANDLE(), CudnnApi.CUDNN_TYPE_HANDLE(), pointer(handle));
        MemorySegment list = memory.allocate(ADDRESS, operations.size());
        for (int i = 0; i < operations.size(); i++) {
            list.setAtIndex(ADDRESS, i, operations.get(i));
        }
        check(CudnnApi.cudnnBackendSetAttribute(graph, CudnnApi.CUDNN_ATTR_OPERATIONGRAPH_OPS(),
                CudnnApi.CUDNN_TYPE_BACKEND_DESCRIPTOR(), operations.size(), list), "SetAttribute (operations)");
        finish(graph);
        return new CudnnPlan(handle, graph, constants);
    }

    /** Destroys the graph's descriptors; plans made of it are closed before. */
    @Override
    public void close() {
        for (MemorySegment descriptor : descriptors.reversed()) {
            check(CudnnApi.cudnnBackendDestroyDescriptor(descriptor), "DestroyDescriptor");
        }
        memory.close();
    }

    /** Strides of a contiguous tensor. */
    static long[] dense(long[] dims) {
        return new long[] {dims[1] * dims[2] * dims[3], dims[2] * dims[3], dims[3], 1};
    }

    private static long[] broad(Node x, Node b) {
        long[] dims = x.dims().clone();
        for (int i = 0; b != null && i < dims.length; i++) {
            dims[i] = Math.max(dims[i], b.dims()[i]);
        }
        return dims;
    }

    private Node node(int type, long[] dims, long[] strides, boolean isVirtual, Node offsets) {
        MemorySegment descriptor = create(CudnnApi.CUDNN_BACKEND_TENSOR_DESCRIPTOR());
        if (isVirtual) {
            set(descriptor, CudnnApi.CUDNN_ATTR_TENSOR_IS_VIRTUAL(), CudnnApi.CUDNN_TYPE_BOOLEAN(),
                    memory.allocateFrom(JAVA_BYTE, (byte) 1));
        }
        if (offsets != null) {
            link(descriptor, CudnnApi.CUDNN_ATTR_TENSOR_RAGGED_OFFSET_DESC(), offsets.descriptor());
        }
        return described(descriptor, type, dims, strides);
    }

    private Node described(MemorySegment descriptor, int type, long[] dims, long[] strides) {
        long uid = ++nodes;
        set(descriptor, CudnnApi.CUDNN_ATTR_TENSOR_UNIQUE_ID(), CudnnApi.CUDNN_TYPE_INT64(), numbers(uid));
        set(descriptor, CudnnApi.CUDNN_ATTR_TENSOR_DATA_TYPE(), CudnnApi.CUDNN_TYPE_DATA_TYPE(), number(type));
        set(descriptor, CudnnApi.CUDNN_ATTR_TENSOR_DIMENSIONS(), CudnnApi.CUDNN_TYPE_INT64(), numbers(dims));
        set(descriptor, CudnnApi.CUDNN_ATTR_TENSOR_STRIDES(), CudnnApi.CUDNN_TYPE_INT64(), numbers(strides));
        set(descriptor, CudnnApi.CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT(), CudnnApi.CUDNN_TYPE_INT64(),
                numbers(BYTE_ALIGNMENT));
        finish(descriptor);
        return new Node(descriptor, uid, dims, type);
    }

    private void add(MemorySegment operation) {
        finish(operation);
        operations.add(operation);
    }

    private MemorySegment create(int type) {
        check(CudnnApi.cudnnBackendCreateDescriptor(type, outcome), "CreateDescriptor");
        descriptors.add(outcome.get(ADDRESS, 0));
        return descriptors.getLast();
    }

    private static void finish(MemorySegment descriptor) {
        check(CudnnApi.cudnnBackendFinalize(descriptor), "Finalize");
    }

    private void link(MemorySegment descriptor, int name, MemorySegment to) {
        set(descriptor, name, CudnnApi.CUDNN_TYPE_BACKEND_DESCRIPTOR(), pointer(to));
    }

    private static void set(MemorySegment descriptor, int name, int type, MemorySegment elements) {
        long size = type == CudnnApi.CUDNN_TYPE_BOOLEAN() ? 1
                : type == CudnnApi.CUDNN_TYPE_INT64() || type == CudnnApi.CUDNN_TYPE_DOUBLE()
                || type == CudnnApi.CUDNN_TYPE_HANDLE() || type == CudnnApi.CUDNN_TYPE_BACKEND_DESCRIPTOR() ? 8 : 4;
        check(CudnnApi.cudnnBackendSetAttribute(descriptor, name, type, elements.byteSize() / size, elements),
                "SetAttribute " + name);
    }

    private MemorySegment pointer(MemorySegment value) {
        MemorySegment segment = memory.allocate(ADDRESS);
        segment.set(ADDRESS, 0, value);
        return segment;
    }

    private MemorySegment number(int value) {
        return memory.allocateFrom(JAVA_INT, value);
    }

    private MemorySegment numbers(long... values) {
        return memory.allocateFrom(JAVA_LONG, values);
    }

    /** Throws if a call of cuDNN failed. */
    static void check(int status, String call) {
        if (status != CudnnApi.CUDNN_STATUS_SUCCESS()) {
            try (var scratch = java.lang.foreign.Arena.ofConfined()) {
                MemorySegment text = scratch.allocate(512);
                CudnnApi.cudnnGetLastErrorString(text, text.byteSize());
                throw new IllegalStateException("cudnnBackend" + call + " failed: "
                        + CudnnApi.cudnnGetErrorString(status).getString(0) + ", " + text.getString(0));
            }
        }
    }
}
