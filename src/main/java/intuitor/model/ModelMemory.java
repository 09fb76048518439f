package intuitor.model;

import intuitor.device.DType;
import intuitor.device.FusedHead;

/**
 * The memory that a model takes, in bytes, from its configuration alone: what the classes beside this one allocate,
 * added up before anything is. Small vectors (positions, segments) are left out.
 *
 * @param config of the model
 * @param dtype  storage type of weights and activations
 * @param gpu    whether the device is one: its library takes matrices as they are, and chunks of logits are larger
 */
public record ModelMemory(ModelConfig config, DType dtype, boolean gpu) {

    private static final int FP32 = 4;

    /** What tokens are drawn from. */
    public enum DrawnFrom {
        /** What the fused head leaves of each row: {@link FusedHead#draw}. */
        STRIPS,
        /** Whole rows of logits. */
        LOGITS,
        /** These, and once more with a repetition penalty. */
        PENALIZED_LOGITS
    }

    /** Elements of a {@link ParameterSet}, alignment included. */
    public long parameters() {
        return ParameterLayout.elements(ParameterLayout.of(config));
    }

    /** A {@link ParameterSet} of the storage type: a reference, or the working weights beside fp32 ones. */
    public long weights() {
        return parameters() * dtype.bytes();
    }

    /** A set in fp32: the master weights, the gradients, or one of the optimiser's moments. */
    public long fp32() {
        return parameters() * FP32;
    }

    /** The working weights of {@link TrainingWeights}; in fp32 the master weights are those. */
    public long workingCopy() {
        return dtype == DType.F32 ? 0 : weights();
    }

    /** {@link PackedWeights}: generation's copy of the matrices in the matrix library's own order. */
    public long packedCopy() {
        if (gpu || dtype != DType.F32) {
            return 0;
        }
        long matrices = ParameterLayout.of(config).stream().filter(spec -> spec.kind() == ParameterSpec.Kind.MATRIX)
                .mapToLong(ParameterSpec::size).sum();
        long embedding = (long) config.vocabSize() * config.hiddenSize();
        return (config.tiedHead() ? matrices : matrices - embedding) * FP32; // a tied embedding is the head, too
    }

    /** A row of a {@link KvCache}: the keys and values of one token. */
    public long cacheRow() {
        return KvCache.bytesPerRow(config, dtype);
    }

    /**
     * A pass without gradients, and then what tokens are drawn from, a chunk of them at a time. Scoring takes less: no
     * row is whole there.
     *
     * @param tokens of the pass
     * @param drawn  tokens that are drawn after it
     */
    public long generation(long tokens, long drawn, DrawnFrom what) {
        long pass = hidden() + layer(false) + (long) config.intermediateSize() * dtype.bytes();
        long fused = Math.min(drawn, FusedHead.DRAWN_ROWS);
        long drawing = switch (what) {
            case STRIPS -> fused * hidden();
            case LOGITS -> logits(drawn, false);
            case PENALIZED_LOGITS -> logits(drawn, false) + chunk(drawn) * config.vocabSize() * FP32;
        };
        // the kernel's workspace, which the device keeps for its next call
        long strips = what == DrawnFrom.STRIPS ? fused * FusedHead.drawnRowBytes(config.vocabSize()) : 0;
        return tokens * hidden() + Math.max(tokens * pass, drawing) + strips;
    }

    /** The activations, gradients of activations and logits of a forward and a backward pass over so many tokens. */
    public long training(long tokens, Activations.Keep keep) {
        long layers = keep == Activations.Keep.ALL ? config.layers() : 1;
        // hidden, the residual stream after the last layer and its rstd, the gradient of hidden, the layers' inputs
        long kept = 3 * hidden() + FP32 + config.layers() * hidden() + layers * (hidden() + layer(true));
        long mlp = 2L * config.intermediateSize() * dtype.bytes();
        long attention = (long) (config.queryWidth() + config.qkvWidth()) * dtype.bytes() + (long) config.heads()
                * FP32;
        // the gradient of the residual stream, a block's input, and within the block
        long backward = 2 * hidden() + Math.max(mlp, attention);
        return tokens * kept + Math.max(tokens * backward, logits(tokens, true));
    }

    private long hidden() {
        return (long) config.hiddenSize() * dtype.bytes();
    }

    /** {@link LayerActivations} of one token, without the residual stream. */
    private long layer(boolean backward) {
        long projections = config.architecture().qkNorm() ? 2 : 1;
        long elements = projections * config.qkvWidth() + config.queryWidth() + 2L * config.intermediateSize();
        return elements * dtype.bytes() + (backward ? (long) (config.heads() + 2) * FP32 : 0);
    }

    /** A chunk of {@link LmHead}'s: gathered rows, logits in fp32, and in 16 bits the gradient of these. */
    private long logits(long rows, boolean backward) {
        long gradient = backward && dtype != DType.F32 ? (long) config.vocabSize() * dtype.bytes() : 0;
        return chunk(rows) * (hidden() + (long) config.vocabSize() * FP32 + gradient);
    }

    private long chunk(long rows) {
        return Math.min(rows, LmHead.chunkRows(config, gpu));
    }
}
