package intuitor.train;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Tensor;
import intuitor.model.ParameterSet;
import intuitor.model.Transformer;

/**
 * The reference that the KL term holds the policy to and that may judge completions: the frozen base or, with
 * sync_ref_model, one that follows the policy (TR-DPO, arXiv 2404.09656).
 */
final class ReferencePolicy implements AutoCloseable {

    /** Parameters mixed at once, on the host: there is no kernel for what happens every few hundred steps. */
    private static final int CHUNK = 1 << 20;

    private final Device device;
    private final ParameterSet weights;
    private final Transformer model;
    private final Scorer scorer;

    ReferencePolicy(Device device, ParameterSet weights, Arena scratch, GrpoConfig config) {
        this.device = device;
        this.weights = weights;
        this.model = new Transformer(device, weights);
        this.scorer = new Scorer(scratch, model, config);
    }

    ParameterSet weights() {
        return weights;
    }

    /** What it says about completions. */
    Scorer scorer() {
        return scorer;
    }

    /**
     * {@code weights = alpha policy + (1 - alpha) weights}, in fp32 and rounded to the storage type.
     *
     * @param policy fp32, of the same layout
     */
    void mixIn(ParameterSet policy, double alpha, Arena scratch) {
        long size = weights.flat().size();
        try (Arena scope = scratch.scope("reference")) {
            Tensor buffer = scope.allocate("chunk", DType.F32, Math.min(CHUNK, size));
            for (long from = 0; from < size; from += CHUNK) {
                long n = Math.min(CHUNK, size - from);
                mixIn(weights.flat().slice(from, n), policy.flat().slice(from, n), alpha, buffer.slice(0, n));
            }
        }
    }

    private void mixIn(Tensor reference, Tensor policy, double alpha, Tensor buffer) {
        float[] mixed = new float[(int) reference.size()];
        float[] other = new float[mixed.length];
        copyOrCast(buffer, reference);
        device.download(mixed, buffer);
        device.download(other, policy);
        for (int i = 0; i < mixed.length; i++) {
            mixed[i] = (float) (alpha * other[i] + (1 - alpha) * mixed[i]);
        }
        device.upload(buffer, mixed);
        copyOrCast(reference, buffer);
    }

    private void copyOrCast(Tensor dst, Tensor src) {
        if (dst.dtype() == src.dtype()) {
            device.copy(dst, src);
        } else {
            device.cast(dst, src);
        }
    }

    @Override
    public void close() {
        model.close();
    }
}
