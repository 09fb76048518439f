package intuitor.device;

import intuitor.UserError;

/**
 * The LM head, forward, in one kernel, or drawing tokens: logits do not leave the registers ({@code
 * docs/kernels/lm-head.md}).
 */
public final class FusedHead implements HeadForward {

    /** What the kernel leaves in memory is some 1.5 KB a row of a wide head. */
    private static final long ROWS = 16384;
    /** Here some 26 KB. */
    private static final long DRAWN_ROWS = 1024;
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

    /** Whether {@link #draw} can do this; else whole rows of logits are needed. */
    public static boolean draws(Sampling sampling) {
        return !sampling.isFiltered();
    }

    /** Rows that are drawn from at a time, at most. */
    public static long drawnRows() {
        return DRAWN_ROWS;
    }

    /** {@link Kernels#lmHeadSample} with this head. */
    public void draw(Tensor token, VocabStats out, Tensor hidden, Tensor sequence, Tensor position, Sampling sampling,
            double certaintyTemperature) {
        kernels.lmHeadSample(token, out, hidden, weight, sequence, position, sampling, certaintyTemperature);
    }
}
