package intuitor.model;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Tensor;

/**
 * What one decoder layer computes and its backward pass reads: 2H + (Hq + 2Hkv) D + Hq D + 2F elements a token of the
 * storage type, (Hq + 2Hkv) D more with query/key norms, and Hq + 2 floats. What is cheap to compute again (the
 * normalised inputs of the projections, silu(gate) * up) is not here.
 *
 * @param input      [T,H], the residual stream before attention
 * @param inputRstd  fp32 [T], null where no backward pass follows
 * @param projection [T, (Hq + 2Hkv) D], queries, keys and values before their norms; without norms, qkv itself
 * @param qkv        [T, (Hq + 2Hkv) D], after bias, norms and RoPE
 * @param attended   [T, Hq D], output of attention
 * @param lse        fp32 [T, Hq], logsumexp of the attention scores; null where no backward pass follows
 * @param middle     [T,H], the residual stream before the feed-forward layer
 * @param middleRstd fp32 [T], null where no backward pass follows
 * @param gateUp     [T, 2F]
 */
record LayerActivations(Tensor input, Tensor inputRstd, Tensor projection, Tensor qkv, Tensor attended, Tensor lse,
                        Tensor middle, Tensor middleRstd, Tensor gateUp) {

    /** Room for all that the backward pass needs. The residual stream's place is given. */
    static LayerActivations forTraining(Arena arena, ModelConfig c, Tensor input) {
        return allocate(arena, c, input, arena.allocate("middle", input.dtype(), input.shape()), true);
    }

    /** Buffers that one layer after the other may use: the residual stream is updated in place. */
    static LayerActivations forInference(Arena arena, ModelConfig c, Tensor residual) {
        return allocate(arena, c, residual, residual, false);
    }

    /** The same buffers around another place for the layer's input. */
    LayerActivations withInput(Tensor other) {
        return new LayerActivations(other, inputRstd, projection, qkv, attended, lse, middle, middleRstd, gateUp);
    }

    private static LayerActivations allocate(Arena arena, ModelConfig c, Tensor input, Tensor middle,
                                             boolean backward) {
        long rows = input.dim(0);
        DType dtype = input.dtype();
        Tensor qkv = arena.allocate("qkv", dtype, rows, c.qkvWidth());
        boolean norms = c.architecture().qkNorm();
        Tensor projection = norms ? arena.allocate("projection", dtype, rows, c.qkvWidth()) : qkv;
        return new LayerActivations(
                input,
                backward ? arena.allocate("input rstd", DType.F32, rows) : null,
                projection,
                qkv,
                arena.allocate("attended", dtype, rows, c.queryWidth()),
                backward ? arena.allocate("lse", DType.F32, rows, c.heads()) : null,
                middle,
                backward ? arena.allocate("middle rstd", DType.F32, rows) : null,
                arena.allocate("gate_up", dtype, rows, 2L * c.intermediateSize()));
    }
}
