package intuitor.bench;

/**
 * Sizes of the kernels' cases, named as in the ABI.
 *
 * @param tokens   T, rows of a packed batch
 * @param sequence length of a packed sequence; divides tokens
 * @param scored   N, rows of logits
 * @param batch    sequences that decode together
 * @param context  keys of each
 */
public record BenchShape(int tokens, int sequence, int scored, int batch, int context, int hidden, int heads,
        int kvHeads, int headDim, int feedForward, int vocab) {

    /** Qwen2.5-1.5B, for a GPU: a micro-batch of 16k tokens. */
    public static BenchShape large() {
        return new BenchShape(16384, 4096, 4096, 128, 1024, 1536, 12, 2, 128, 8960, 151936);
    }

    /** The same layers with few tokens, for the CPU. */
    public static BenchShape medium() {
        return new BenchShape(512, 256, 64, 16, 256, 1536, 12, 2, 128, 8960, 151936);
    }

    /** Qwen2.5-0.5B, with as few. */
    public static BenchShape small() {
        return new BenchShape(512, 256, 64, 16, 256, 896, 14, 2, 64, 4864, 151936);
    }

    /** Sizes that only show that everything runs. */
    public static BenchShape tiny() {
        return new BenchShape(64, 32, 8, 4, 48, 128, 4, 2, 64, 256, 1000);
    }
}
