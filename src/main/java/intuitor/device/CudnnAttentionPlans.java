package intuitor.device;

import intuitor.device.CudnnGraph.Node;
import intuitor.device.cudnn.CudnnApi;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * The graphs and plans of {@link CudnnAttention} for one shape, in bf16.
 *
 * <p>The graphs follow the patterns that NVIDIA's cudnn-frontend (1.23) builds for the same thing, operation by
 * operation: engines recognise patterns, not mathematics. Backward, dQ is made by one product, without the fp32 sums
 * that its default way adds to atomically; engines that say that their results change are passed over.
 *
 * <p>Proven without a GPU: that the graphs compute attention and its gradient. Not proven: that an engine takes them.
 */
final class CudnnAttentionPlans implements AutoCloseable {

    /**
     * What a plan is made for.
     *
     * @param sequences number of sequences; some may be empty
     * @param maxLength length of the longest, or more
     */
    record Shape(int sequences, int maxLength, int heads, int kvHeads, int headDim) {

        /** Elements from one row of qkv to the next. */
        long width() {
            return (heads + 2L * kvHeads) * headDim;
        }
    }

    /**
     * Where the sequences of a batch lie, in device memory: int32 [S] lengths, and int32 [S + 1] first elements of each
     * sequence in tensors of a row's width.
     */
    record Layout(Tensor lengths, Tensor qkv, Tensor out, Tensor lse) {

        /**
         * @param starts first row of each sequence, and the number of rows: one more than there are sequences; where
         *               the shape has more sequences, the rest is empty
         */
        static Layout of(Arena arena, Shape shape, int[] starts) {
            int[] all = Arrays.copyOf(starts, shape.sequences() + 1);
            Arrays.fill(all, starts.length, all.length, starts[starts.length - 1]);
            int[] lengths = new int[shape.sequences()];
            Arrays.setAll(lengths, i -> all[i + 1] - all[i]);
            return new Layout(arena.upload("lengths", lengths),
                    offsets(arena, all, shape.width()),
                    offsets(arena, all, (long) shape.heads() * shape.headDim()),
                    offsets(arena, all, shape.heads()));
        }

        private static Tensor offsets(Arena arena, int[] starts, long width) {
            int[] offsets = new int[starts.length];
            for (int i = 0; i < starts.length; i++) {
                offsets[i] = Math.toIntExact(starts[i] * width);
            }
            return arena.upload("offsets", offsets);
        }
    }

    private static final int VERSION_WITH_INFINITY = 91_000;
    private static final long WORKSPACE_ALIGNMENT = 256;

    private final Shape shape;
    private final MemorySegment handle;
    private final Map<String, Long> forwardUids = new HashMap<>();
    private final Map<String, Long> backwardUids = new HashMap<>();
    private final CudnnGraph forwardGraph = new CudnnGraph();
    private final CudnnGraph backwardGraph = new CudnnGraph();
    private final CudnnPlan forward;
    private CudnnPlan backward; // made when first needed: generation and scoring have no gradient

    /** @param handle of cuDNN, which knows the stream where the work is queued */
    CudnnAttentionPlans(Shape shape, MemorySegment handle) {
        this.shape = shape;
        this.handle = handle;
        new Builder(forwardGraph, forwardUids).forward();
        forward = forwardGraph.plan(handle);
    }

    /**
     * out = attention(qkv).
     *
     * @param out     bf16 [T, heads headDim]
     * @param lse     fp32 [T, heads]
     * @param qkv     bf16 [T, (heads + 2 kvHeads) headDim]
     * @param scratch for the workspace
     */
    void forward(Tensor out, Tensor lse, Tensor qkv, Layout layout, Arena scratch) {
        Map<String, Long> addresses = inputs(qkv, layout);
        addresses.put("out", out.address());
        addresses.put("lse", lse.address());
        run(forward, forwardUids, addresses, scratch);
    }

    /** The gradient of {@link #forward}; dqkv is like qkv, and every row of a sequence is written. */
    void backward(Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Layout layout, Arena scratch) {
        if (backward == null) {
            new Builder(backwardGraph, backwardUids).backward();
            backward = backwardGraph.plan(handle);
        }
        Map<String, Long> addresses = inputs(qkv, layout);
        addresses.put("out", out.address());
        addresses.put("lse", lse.address());
        addresses.put("dout", dout.address());
        addresses.put("dq", dqkv.address());
        addresses.put("dk", dqkv.address() + keyBytes());
        addresses.put("dv", dqkv.address() + valueBytes());
        addresses.put("delta", scratch.allocate("attention delta", DType.F32, shape.sequences(), shape.heads(),
                shape.maxLength()).address());
        run(backward, backwardUids, addresses, scratch);
    }

    private Map<String, Long> inputs(Tensor qkv, Layout layout) {
        Map<String, Long> addresses = new HashMap<>();
        addresses.put("q", qkv.address());
        addresses.put("k", qkv.address() + keyBytes());
        addresses.put("v", qkv.address() + valueBytes());
        addresses.put("lengths", layout.lengths().address());
        addresses.put("qkv offsets", layout.qkv().address());
        addresses.put("out offsets", layout.out().address());
        addresses.put("lse offsets", layout.lse().address());
        return addresses;
    }

    private long keyBytes() {
        return (long) shape.heads() * shape.headDim() * DType.BF16.bytes();
    }

    private long valueBytes() {
        return (long) (shape.heads() + shape.kvHeads()) * shape.headDim() * DType.BF16.bytes();
    }

    private static void run(CudnnPlan plan, Map<String, Long> uids, Map<String, Long> addresses, Arena scratch) {
        long workspace = scratch.allocate("cuDNN's workspace", DType.F32,
                (plan.workspaceBytes() + WORKSPACE_ALIGNMENT) / DType.F32.bytes() + 1).address();
        Map<Long, Long> pack = new HashMap<>();
        uids.forEach((name, uid) -> pack.put(uid, addresses.get(name)));
        plan.execute(pack, (workspace + WORKSPACE_ALIGNMENT - 1) / WORKSPACE_ALIGNMENT * WORKSPACE_ALIGNMENT);
    }

    @Override
    public void close() {
        forward.close();
        if (backward != null) {
            backward.close();
        }
        forwardGraph.close();
        backwardGraph.close();
    }

    /** Writes one of the two graphs, and notes the numbers of its tensors in memory. */
    private final class Builder {

        private final int bf16 = CudnnApi.CUDNN_DATA_BFLOAT16();
        private final int f32 = CudnnApi.CUDNN_DATA_FLOAT();
        private final int i32 = CudnnApi.CUDNN_DATA_INT32();
        private final int mul = CudnnApi.CUDNN_POINTWISE_MUL();
        private final int sub = CudnnApi.CUDNN_POINTWISE_SUB();

        private final CudnnGraph g;
        private final Map<String, Long> uids;
        private final long b = shape.sequences();
        private final long s = shape.maxLength();
        private final long h = shape.heads();
        private final long hk = shape.kvHeads();
        private final long d = shape.headDim();
        private final Node lengths;
        private final Node qkvOffsets;
        private final Node outOffsets;
        private final Node q;
        private final Node kT; // [b, hk, d, s]
        private final Node out;
        private final Node lse;
        private final Node scale;
        private final Node minusInfinity;

        Builder(CudnnGraph graph, Map<String, Long> uids) {
            this.g = graph;
            this.uids = uids;
            lengths = noted("lengths", g.input(i32, new long[] {b, 1, 1, 1}, new long[] {1, 1, 1, 1}));
            qkvOffsets = offsets("qkv offsets");
            outOffsets = offsets("out offsets");
            Node lseOffsets = offsets("lse offsets");
            q = noted("q", rows(h, qkvOffsets));
            kT = noted("k", columns(qkvOffsets));
            out = noted("out", outputs());
            lse = noted("lse", g.ragged(f32, new long[] {b, h, s, 1}, new long[] {s * h, 1, h, 1}, lseOffsets));
            scale = g.constant((float) (1 / Math.sqrt(d)));
            minusInfinity = g.constant(CudnnApi.cudnnGetVersion() < VERSION_WITH_INFINITY
                    ? -Float.MAX_VALUE : Float.NEGATIVE_INFINITY);
        }

        /** P = softmax(mask(scale Q K^T)), out = P V. */
        void forward() {
            Node v = noted("v", rows(hk, qkvOffsets));
            Node scores = g.between(f32, b, h, s, s);
            g.matmul(scores, q, kT, lengths, lengths, null, true);
            Node masked = causal(padded(g.pointwise(mul, scores, scale)));

            Node max = g.between(f32, b, h, s, 1);
            g.reduce(CudnnApi.CUDNN_REDUCE_TENSOR_MAX(), masked, max);
            Node exp = g.pointwise(CudnnApi.CUDNN_POINTWISE_EXP(), g.pointwise(sub, masked, max), null);
            Node sum = g.between(f32, b, h, s, 1);
            g.reduce(CudnnApi.CUDNN_REDUCE_TENSOR_ADD(), exp, sum);
            Node log = g.pointwise(CudnnApi.CUDNN_POINTWISE_LOG(), sum, null);
            g.pointwise(CudnnApi.CUDNN_POINTWISE_ADD(), f32, max, log, null, lse, -1);
            Node p = g.between(bf16, b, h, s, s);
            g.pointwise(CudnnApi.CUDNN_POINTWISE_DIV(), f32, exp, sum, null, p, -1);

            g.matmul(out, p, v, lengths, null, lengths, false);
        }

        /** delta = sum dO O; P = exp(S - lse); dV = P^T dO; dS = scale P (dO V^T - delta); dK = dS^T Q; dQ = dS K. */
        void backward() {
            Node vT = noted("v", columns(qkvOffsets));
            Node dout = noted("dout", outputs());
            Node dq = noted("dq", rows(h, qkvOffsets));
            Node dk = noted("dk", rows(hk, qkvOffsets));
            Node dv = noted("dv", rows(hk, qkvOffsets));

            Node rowSums = g.between(f32, b, h, s, 1);
            g.reduce(CudnnApi.CUDNN_REDUCE_TENSOR_ADD(), g.pointwise(mul, dout, out), rowSums);
            Node delta = noted("delta", g.input(f32, new long[] {b, h, s, 1}, new long[] {h * s, s, 1, 1}));
            g.pointwise(mul, f32, rowSums, g.constant(1), null, delta, -1);

            Node scores = g.between(f32, b, h, s, s);
            g.matmul(scores, q, kT, lengths, lengths, null, false);
            Node p = g.pointwise(CudnnApi.CUDNN_POINTWISE_EXP(),
                    causal(g.pointwise(sub, padded(g.pointwise(mul, scores, scale)), lse)), null);
            product(dv, transposed(p), dout);

            Node dp = g.between(f32, b, h, s, s);
            g.matmul(dp, dout, vT, lengths, lengths, null, false);
            Node ds = g.pointwise(mul, g.pointwise(mul, g.pointwise(sub, dp, delta), p), scale);
            product(dk, transposed(ds), q);
            Node k = g.transposed(kT, bf16, rowStrides(), qkvOffsets);
            g.matmul(dq, ds, k, lengths, null, lengths, false);
        }

        /** y = xT z, summed over the heads that share one of y's. */
        private void product(Node y, Node xT, Node z) {
            if (h == hk) {
                g.matmul(y, xT, z, lengths, null, lengths, false);
                return;
            }
            Node heads = g.between(bf16, b, h, s, d);
            g.matmul(heads, xT, z, lengths, null, lengths, false);
            g.reduce(CudnnApi.CUDNN_REDUCE_TENSOR_ADD(), heads, y);
        }

        private Node transposed(Node x) {
            return g.transposed(x, bf16, new long[] {h * s * s, s * s, 1, s}, null);
        }

        /** Scores of rows and columns that the sequence does not have are minus infinity. */
        private Node padded(Node scores) {
            Node row = g.index(scores, 2, i32);
            Node column = g.index(scores, 3, i32);
            Node inRows = g.test(CudnnApi.CUDNN_POINTWISE_CMP_LT(), row, lengths);
            Node inColumns = g.test(CudnnApi.CUDNN_POINTWISE_CMP_LT(), column, lengths);
            return g.select(g.test(CudnnApi.CUDNN_POINTWISE_LOGICAL_AND(), inRows, inColumns), scores, minusInfinity);
        }

        /** Scores of later keys are minus infinity. */
        private Node causal(Node scores) {
            Node row = g.index(scores, 2, f32);
            Node column = g.index(scores, 3, f32);
            return g.select(g.test(CudnnApi.CUDNN_POINTWISE_CMP_GE(), row, column), scores, minusInfinity);
        }

        private Node offsets(String name) {
            return noted(name, g.input(i32, new long[] {b + 1, 1, 1, 1}, new long[] {1, 1, 1, 1}));
        }

        private long[] rowStrides() {
            return new long[] {s * shape.width(), d, shape.width(), 1};
        }

        /** A part of qkv, or of its gradient, by rows. */
        private Node rows(long heads, Node offsets) {
            return g.ragged(bf16, new long[] {b, heads, s, d}, rowStrides(), offsets);
        }

        /** The output, or its gradient. */
        private Node outputs() {
            return g.ragged(bf16, new long[] {b, h, s, d}, new long[] {s * h * d, d, h * d, 1}, outOffsets);
        }

        /** Keys or values, transposed. */
        private Node columns(Node offsets) {
            return g.ragged(bf16, new long[] {b, hk, d, s}, new long[] {s * shape.width(), d, 1, shape.width()},
                    offsets);
        }

        private Node noted(String name, Node node) {
            uids.put(name, node.uid());
            return node;
        }
    }
}
