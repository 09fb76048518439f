package intuitor.model;

import intuitor.device.Tensor;

/**
 * The parameters (or their gradients) of one decoder layer.
 *
 * @param inputNorm         [H], gain of the norm before attention
 * @param qkvProj           [(Hq + 2 Hkv) D, H], rows of the queries, then keys, then values
 * @param qkvBias           [(Hq + 2 Hkv) D], or null
 * @param queryNorm         [D], or null
 * @param keyNorm           [D], or null
 * @param outputProj        [H, Hq D]
 * @param postAttentionNorm [H], gain of the norm before the feed-forward layer
 * @param gateUpProj        [2F, H], rows of the gate, then of "up"
 * @param downProj          [H, F]
 */
record LayerParameters(Tensor inputNorm, Tensor qkvProj, Tensor qkvBias, Tensor queryNorm, Tensor keyNorm,
                       Tensor outputProj, Tensor postAttentionNorm, Tensor gateUpProj, Tensor downProj) {

    static LayerParameters of(ParameterSet all, int i) {
        String layer = ParameterLayout.layer(i);
        Architecture architecture = all.config().architecture();
        return new LayerParameters(
                all.get(layer + "input_layernorm.weight"),
                all.get(ParameterLayout.qkvWeight(i)),
                architecture.qkvBias() ? all.get(ParameterLayout.qkvBias(i)) : null,
                architecture.qkNorm() ? all.get(layer + "self_attn.q_norm.weight") : null,
                architecture.qkNorm() ? all.get(layer + "self_attn.k_norm.weight") : null,
                all.get(layer + "self_attn.o_proj.weight"),
                all.get(layer + "post_attention_layernorm.weight"),
                all.get(ParameterLayout.gateUpWeight(i)),
                all.get(layer + "mlp.down_proj.weight"));
    }
}
