package intuitor.device;

import static java.lang.foreign.ValueLayout.ADDRESS;

import intuitor.UserError;
import intuitor.device.CudnnAttentionPlans.Layout;
import intuitor.device.CudnnAttentionPlans.Shape;
import intuitor.device.cudnn.CudnnApi;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Attention by cuDNN, in bf16. Its ragged tensors begin at one place, so that a prefix which sequences share is beyond
 * it: such a batch, and decoding, is left to this program's own kernels.
 *
 * <p>cuDNN plans for a shape, which takes it much longer than to run. So plans are kept, and made for a few shapes
 * only: the number of sequences is rounded up, by empty ones, and so is the longest length.
 */
final class CudnnAttention implements PackedAttention {

    private static final int LENGTH_STEP = 128;
    private static final int MOST_PLANS = 32;

    private final NativeAttention own;
    private final Arena memory;
    private final MemorySegment handle;
    private final Map<Shape, CudnnAttentionPlans> plans = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Shape, CudnnAttentionPlans> eldest) {
            if (size() <= MOST_PLANS) {
                return false;
            }
            memory.device().synchronize(); // it may be running
            eldest.getValue().close();
            return true;
        }
    };

    // of the batch seen last: all its layers ask for the same
    private Segments batch;
    private Shape shape;
    private Layout layout;
    private Arena layoutMemory;

    /**
     * @param memory  for what lives as long as this
     * @param kernels for what cuDNN cannot do
     */
    CudnnAttention(Arena memory, Kernels kernels) {
        this.memory = memory;
        this.own = new NativeAttention(kernels);
        try (var scratch = java.lang.foreign.Arena.ofConfined()) {
            MemorySegment outcome = scratch.allocate(ADDRESS);
            CudnnGraph.check(CudnnApi.cudnnCreate(outcome), "'s cudnnCreate");
            handle = outcome.get(ADDRESS, 0);
        }
        CudnnGraph.check(CudnnApi.cudnnSetStream(handle, MemorySegment.ofAddress(memory.device().api().stream())),
                "'s cudnnSetStream");
    }

    @Override
    public boolean sharesPrefixes() {
        return false;
    }

    @Override
    public void forward(Tensor out, Tensor lse, Tensor qkv, Segments segments, int heads, int kvHeads, int headDim,
            Arena scratch) {
        if (segments.starts() == null) {
            own.forward(out, lse, qkv, segments, heads, kvHeads, headDim, scratch);
            return;
        }
        try (Arena scope = scratch.scope("cuDNN")) {
            CudnnAttentionPlans planned = planned(qkv, segments, heads, kvHeads, headDim);
            Tensor kept = lse != null ? lse : scope.allocate("lse", DType.F32, out.dim(0), heads);
            planned.forward(out, kept, qkv, layout, scope);
        }
    }

    @Override
    public void backward(Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Segments segments, int heads,
            int kvHeads, int headDim, Arena scratch) {
        if (segments.starts() == null) {
            own.backward(dqkv, dout, qkv, out, lse, segments, heads, kvHeads, headDim, scratch);
            return;
        }
        try (Arena scope = scratch.scope("cuDNN")) {
            planned(qkv, segments, heads, kvHeads, headDim).backward(dqkv, dout, qkv, out, lse, layout, scope);
        }
    }

    private CudnnAttentionPlans planned(Tensor qkv, Segments segments, int heads, int kvHeads, int headDim) {
        if (qkv.dtype() != DType.BF16) {
            throw new UserError("attention: cudnn computes in bfloat16, not in " + StorageType.of(qkv.dtype())
                    + "; give dtype bfloat16, or attention native");
        }
        if (segments != batch) {
            batch = null;
            int maxLength = (segments.maxQ() + LENGTH_STEP - 1) / LENGTH_STEP * LENGTH_STEP;
            shape = new Shape(roundedUp(segments.count()), maxLength, heads, kvHeads, headDim);
            if (layoutMemory != null) {
                layoutMemory.close();
            }
            layoutMemory = memory.scope("cuDNN's layout");
            layout = Layout.of(layoutMemory, shape, segments.starts());
            batch = segments; // last: the layout is complete
        }
        return plans.computeIfAbsent(shape, s -> new CudnnAttentionPlans(s, handle));
    }

    /** To a power of two, or the middle between two. */
    private static int roundedUp(int sequences) {
        int power = Integer.highestOneBit(Math.max(1, sequences));
        return sequences == power ? power : sequences <= power + power / 2 ? power + power / 2 : 2 * power;
    }

    @Override
    public void close() {
        plans.values().forEach(CudnnAttentionPlans::close);
        plans.clear();
        CudnnGraph.check(CudnnApi.cudnnDestroy(handle), "'s cudnnDestroy");
    }
}
