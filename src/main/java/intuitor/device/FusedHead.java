package intuitor.device;

import intuitor.UserError;

/**
 * The LM head, forward, in one kernel, or drawing tokens: logits do not leave the registers ({@code
 * docs/kernels/lm-head.md}).
 */
public final class FusedHead implements HeadForward {

    /** What the kernel leaves in memory is some 1.5 KB a row of a wide head. */
    private static final long ROWS = 16384;
    /** Rows that {@link #draw} takes at most. It leaves more of each in memory, some 26 KB of a wide one. */
    public static final long DRAWN_ROWS = 1024;
    /** So much of each strip, of so many columns. */
    private static final long DRAWN_BYTES = 44;
    private static final long DRAWN_COLUMNS = 256;
    /** Numbers in 16 bytes: hidden sizes are multiples of it. */
    private static final long ALIGNMENT = 8;

    private final Kernels kernels;
    private final Tensor weight;

    /** @param weight [V,H], as it is */
    public FusedHead(Device device, Tensor weight) {
        this.kernels = device.kernels();
        this.weight = weight;
    }

    /** @throws UserError if the device has no such kernel for weights of this type and so many inputs */
    public static void require(Device device, DType type, long hidden) {
        if (device.kernels().hasLmHeadForward(type, hidden)) {
            return;
        }
        if (!device.kernels().hasLmHeadForward(DType.BF16, ALIGNMENT)) {
            throw new UserError("lm_head: fused needs an NVIDIA GPU of compute capability 9.0 (H100, H200), not "
                    + device.info().name() + ", " + device.info().isa() + "; give lm_head tiled");
        }
        throw new UserError("lm_head: fused " + (type == DType.BF16
                ? "needs a hidden size that is a multiple of " + ALIGNMENT + ", not " + hidden + "; give lm_head tiled"
                : "computes in bfloat16, not in float32; give dtype bfloat16, or lm_head tiled"));
    }

    @Override
    public long rows() {
        return ROWS;
    }

    @Override
    public void reduce(VocabStats out, Tensor hidden, Tensor targets, double temperature, double certaintyTemperature) {
        kernels.lmHeadForward(out, hidden.rows(0, targets.size()), weight, targets, temperature, certaintyTemperature);
    }

    /** What {@link #draw} takes of the device's memory for each row, in bytes, while it runs. */
    public static long drawnRowBytes(long vocab) {
        return Math.ceilDiv(vocab, DRAWN_COLUMNS) * DRAWN_BYTES;
    }

    /** {@link Kernels#lmHeadSample} with this head: where tokens are not {@linkplain Sampling#isFiltered filtered}. */
    public void draw(Tensor token, VocabStats out, Tensor hidden, Tensor sequence, Tensor position, Sampling sampling,
            double certaintyTemperature) {
        kernels.lmHeadSample(token, out, hidden, weight, sequence, position, sampling, certaintyTemperature);
    }
}
