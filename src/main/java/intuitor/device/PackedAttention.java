package intuitor.device;

import java.util.Locale;

/**
 * Causal attention of a packed batch over itself, as training, scoring and prefill need it. The implementations agree
 * up to rounding, and each gives the same bits for the same input.
 */
public interface PackedAttention extends AutoCloseable {

    /** Whose kernels compute it. */
    enum Library {
        /** This program's. */
        NATIVE,
        /** NVIDIA's cuDNN: bf16, on a GPU, no shared prefixes. */
        CUDNN;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Whether sequences may have a prefix in common without it being computed again for each. */
    boolean sharesPrefixes();

    /**
     * out = softmax(q k^T / sqrt(D)) v, causal, within each segment.
     *
     * @param out     [T, heads headDim]
     * @param lse     fp32 [T, heads], logsumexp of each row's scores; may be null where no gradient is wanted
     * @param qkv     [T, (heads + 2 kvHeads) headDim], after RoPE
     * @param scratch for what is needed during the call
     */
    void forward(Tensor out, Tensor lse, Tensor qkv, Segments segments, int heads, int kvHeads, int headDim,
            Arena scratch);

    /**
     * The gradient of {@link #forward}, from its results.
     *
     * @param dqkv [T, (heads + 2 kvHeads) headDim]; overwritten
     * @param dout [T, heads headDim]
     */
    void backward(Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Segments segments, int heads,
            int kvHeads, int headDim, Arena scratch);

    @Override
    void close();
}
