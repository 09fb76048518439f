package intuitor.model;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.DecodeInputs;
import intuitor.device.Device;
import intuitor.device.Tensor;
import intuitor.model.Activations.Keep;
import intuitor.model.Pass.CacheUse;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The decoder from token ids to hidden states: embedding, layers, final norm. The LM head is apart ({@link LmHead}),
 * because logits are never whole in memory.
 *
 * <p>Four passes share the layers: {@link #forward} keeps nothing, {@link #forwardForTraining} keeps what
 * {@link #backward} needs, {@link #prefill} and {@link #decode} write and read a cache. Memory comes from the arena
 * each call is given; results stay there, everything else is gone when the call returns.
 */
public final class Transformer implements AutoCloseable {

    private final Device device;
    private final ModelConfig config;
    private final ModelWeights weights;
    private final Rope rope;
    private final List<DecoderLayer> layers = new ArrayList<>();
    private final RmsNorm finalNorm;

    /** A model on these weights, which may be changed between calls; it computes in their storage type. */
    public Transformer(Device device, ModelWeights weights) {
        this.device = device;
        this.config = weights.config();
        this.weights = weights;
        this.rope = new Rope(device, config);
        for (int i = 0; i < config.layers(); i++) {
            layers.add(new DecoderLayer(device, config, weights.layer(i), i));
        }
        this.finalNorm = new RmsNorm(device.kernels(), weights.finalNorm(), config.rmsNormEps());
    }

    public ModelConfig config() {
        return config;
    }

    public ModelWeights weights() {
        return weights;
    }

    /** Storage type of activations and their gradients, and of the cache: that of the weights. */
    public DType dtype() {
        return weights.dtype();
    }

    // ------------------------------------------------------------------------------------------------ inference

    /** Hidden states after the final norm [T,H]; nothing is kept for a backward pass. */
    public Tensor forward(PackedBatch batch, Arena scratch) {
        return forward(batch, null, scratch);
    }

    /** The same by packed weights, this model's as they are now: with the bits that generation computes. */
    public Tensor forward(PackedBatch batch, PackedWeights packed, Arena scratch) {
        Tensor hidden = allocateHidden(scratch, batch.rows());
        try (Arena scope = scratch.scope("forward")) {
            infer(hidden, pass(batch, packed, scope), scope);
        }
        return hidden;
    }

    /**
     * Like {@link #forward}, and writes the keys and values of row t of the batch into cache row cacheRows[t].
     *
     * @param batch  of {@link PackedBatch.Builder#prompt prompts}
     * @param packed this model's weights as they are now
     * @return hidden states [T,H]; those of {@link PackedBatch#promptLastRows} predict the first new tokens
     */
    public Tensor prefill(PackedBatch batch, KvCache cache, int[] cacheRows, PackedWeights packed, Arena scratch) {
        int rows = Math.toIntExact(device.blas().paddedRows(batch.rows()));
        Tensor hidden = allocateHidden(scratch, rows);
        try (Arena scope = scratch.scope("prefill")) {
            CacheUse use = new CacheUse(cache, scope.upload("cache rows", cacheRows), null);
            infer(hidden, new Pass(scope.upload("tokens", Arrays.copyOf(batch.tokens(), rows)),
                    scope.upload("positions", Arrays.copyOf(batch.positions(), rows)),
                    rope.table(batch.maxPositions()), batch.uploadSegments(scope), use, packed), scope);
        }
        return hidden.rows(0, batch.rows());
    }

    /**
     * Brings a batch into device memory, where {@link #decode} reads it.
     *
     * @param maxK     longest sequence that there is to be room for, those of the batch at least
     * @param pageRoom entries that the page table is to have room for, likewise
     */
    public DecodeInputs upload(DecodeBatch batch, int maxK, int pageRoom, Arena arena) {
        return batch.upload(arena, Math.toIntExact(device.blas().paddedRows(batch.size())), maxK, pageRoom);
    }

    /**
     * One token further for each sequence, whose keys and values are added to the cache.
     *
     * @param inputs of the step, from {@link #upload} or what the device has made of them since; maxK bounds positions
     * @param packed this model's weights as they are now
     * @return hidden states [N,H], which predict the next token of each sequence
     */
    public Tensor decode(DecodeInputs inputs, KvCache cache, PackedWeights packed, Arena scratch) {
        Tensor hidden = allocateHidden(scratch, inputs.tokens().size());
        try (Arena scope = scratch.scope("decode")) {
            CacheUse use = new CacheUse(cache, inputs.cacheRows(), inputs.pages());
            infer(hidden, new Pass(inputs.tokens(), inputs.positions(), rope.table(inputs.segments().maxK()),
                    inputs.segments(), use, packed), scope);
        }
        return hidden.rows(0, inputs.size());
    }

    private void infer(Tensor hidden, Pass pass, Arena scope) {
        LayerActivations shared = LayerActivations.forInference(scope, config, allocateHidden(scope, pass.rows()));
        if (pass.cache() != null) {
            // attention does not write the rows beyond the batch, and products of stray denormal numbers are slow
            long used = pass.cache().rows().size();
            device.zero(shared.attended().rows(used, pass.rows() - used));
        }
        device.kernels().embeddingForward(shared.input(), weights.embedding(), pass.tokens());
        for (int i = 0; i < layers.size(); i++) {
            layers.get(i).forward(shared.input(), i == 0 ? null : hidden, hidden, shared, pass, scope);
        }
        finalNorm.addAndNormalise(hidden, null, shared.middle(), shared.middle(), hidden);
    }

    // ------------------------------------------------------------------------------------------------ training

    /**
     * Forward pass that keeps what {@link #backward} needs, in {@code scratch}. Per token and layer that is what {@link
     * LayerActivations} counts, or H elements with {@link Keep#LAYER_INPUTS} at the price of a second forward pass
     * through each layer.
     */
    public Activations forwardForTraining(PackedBatch batch, Keep keep, Arena scratch) {
        return forwardForTraining(batch, keep, null, scratch);
    }

    /**
     * The same by packed weights, this model's as they are now, with the bits that generation computes. They must live
     * until the backward pass, whose own products are by the plain ones.
     */
    public Activations forwardForTraining(PackedBatch batch, Keep keep, PackedWeights packed, Arena scratch) {
        Pass pass = pass(batch, packed, scratch);
        Tensor hidden = allocateHidden(scratch, batch.rows());
        Tensor finalResidual = allocateHidden(scratch, batch.rows());
        Tensor finalRstd = scratch.allocate("final rstd", DType.F32, batch.rows());
        List<LayerActivations> kept = new ArrayList<>();
        for (int i = 0; i < layers.size(); i++) {
            Tensor input = scratch.allocate("layer input", dtype(), batch.rows(), config.hiddenSize());
            kept.add(keep == Keep.ALL || i == 0 ? LayerActivations.forTraining(scratch, config, input)
                    : kept.getFirst().withInput(input));
        }
        device.kernels().embeddingForward(kept.getFirst().input(), weights.embedding(), pass.tokens());
        for (int i = 0; i < layers.size(); i++) {
            LayerActivations a = kept.get(i);
            Tensor residual = i == 0 ? a.input() : kept.get(i - 1).middle();
            layers.get(i).forward(residual, i == 0 ? null : hidden, hidden, a, pass, scratch);
        }
        finalNorm.addAndNormalise(hidden, finalRstd, finalResidual, kept.getLast().middle(), hidden);
        return new Activations(keep, pass, kept, finalResidual, finalRstd, hidden);
    }

    /**
     * Backward pass from the gradient of the hidden states to that of every parameter below the LM head.
     *
     * @param dHidden [T,H], gradient of the loss with respect to {@link Activations#hidden}, of the same type
     * @param grads   fp32, += the gradients
     */
    public void backward(Activations activations, Tensor dHidden, ParameterSet grads, Arena scratch) {
        activations.use();
        try (Arena scope = scratch.scope("backward")) {
            Pass pass = activations.pass();
            Tensor dResidual = scope.zeros("d residual", dHidden.dtype(), dHidden.shape());
            finalNorm.backward(dResidual, grads.finalNorm(), dHidden, activations.finalResidual(),
                    activations.finalRstd());
            for (int i = layers.size() - 1; i >= 0; i--) {
                // the last layer's activations are still in the buffers that the layers share
                if (activations.keep() == Keep.LAYER_INPUTS && i < layers.size() - 1) {
                    layers.get(i).recompute(activations.hidden(), activations.layer(i), pass, scope);
                }
                layers.get(i).backward(dResidual, activations.layer(i), grads.layer(i), pass, scope);
            }
            device.kernels().embeddingBackward(grads.embedding(), dResidual, pass.tokens());
        }
    }

    @Override
    public void close() {
        rope.close();
    }

    /** A pass that leaves no keys and values, by the plain weights if there are no packed ones. */
    private Pass pass(PackedBatch batch, PackedWeights packed, Arena arena) {
        return new Pass(arena.upload("tokens", batch.tokens()), arena.upload("positions", batch.positions()),
                rope.table(batch.maxPositions()), batch.uploadSegments(arena), null, packed);
    }

    private Tensor allocateHidden(Arena arena, long rows) {
        return arena.allocate("hidden", dtype(), rows, config.hiddenSize());
    }
}
