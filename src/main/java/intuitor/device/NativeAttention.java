package intuitor.device;

/** Attention by this program's own kernels, in every storage type and on every device. */
final class NativeAttention implements PackedAttention {

    private final Kernels kernels;

    NativeAttention(Kernels kernels) {
        this.kernels = kernels;
    }

    @Override
    public boolean sharesPrefixes() {
        return true;
    }

    @Override
    public void forward(Tensor out, Tensor lse, Tensor qkv, Segments segments, int heads, int kvHeads, int headDim,
            Arena scratch) {
        kernels.attentionForward(out, lse, qkv, segments, heads, kvHeads, headDim);
    }

    @Override
    public void backward(Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Segments segments, int heads,
            int kvHeads, int headDim, Arena scratch) {
        Tensor delta = scratch.allocate("attention delta", DType.F32, dout.dim(0), heads);
        kernels.attentionBackward(dqkv, delta, dout, qkv, out, lse, segments, heads, kvHeads, headDim);
    }

    @Override
    public void close() {
        // holds nothing
    }
}
