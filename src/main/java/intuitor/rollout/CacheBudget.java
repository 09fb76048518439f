package intuitor.rollout;

import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.model.ModelConfig;
import intuitor.model.ModelMemory;
import intuitor.model.ModelMemory.DrawnFrom;

/** How much memory keys and values may take where no setting says so. What is not needed is not taken. */
public final class CacheBudget {

    /**
     * Of a device's memory, what may be planned for where no setting says so; the rest is for the program itself and
     * for others.
     */
    public static final double SHARE = 0.85;
    /** A CPU is hardly faster a token with more completions at once, and its memory is others' too. */
    public static final int CPU_MIB = 2048;

    private CacheBudget() { }

    /**
     * In bytes, for a model that is loaded and does nothing but generate: on a GPU what its weights and activations
     * leave.
     *
     * @param dtype storage type of weights and activations
     * @param share of the device's memory, to plan with: {@link #SHARE}, or less where several share the device
     */
    public static long inference(Device device, ModelConfig config, DType dtype, double share) {
        long little = (long) CPU_MIB << 20;
        if (!device.info().isGpu()) {
            return little;
        }
        ModelMemory model = new ModelMemory(config, dtype, true);
        long others = model.weights() + model.generation(Math.max(Rollout.MAX_SEQUENCES, Rollout.prefillTokens(true)),
                Rollout.MAX_SEQUENCES, DrawnFrom.PENALIZED_LOGITS);
        return Math.max(little, (long) (share * device.memoryBytes()) - others);
    }
}
