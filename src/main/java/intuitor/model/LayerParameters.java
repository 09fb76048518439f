package intuitor.model;

import intuitor.device.Tensor;
import java.util.function.Function;

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

    /** @param byName the parameters by the names of their specs; null for those that are not held plain */
    static LayerParameters of(ModelConfig config, Function<String, Tensor> byName, int i) {
        String layer = ParameterLayout.layer(i);
        Architecture architecture = config.architecture();
        return new LayerParameters(
                byName.apply(layer + "input_layernorm.weight"),
                byName.apply(ParameterLayout.qkvWeight(i)),
                architecture.qkvBias() ? byName.apply(ParameterLayout.qkvBias(i)) : null,
                architecture.qkNorm() ? byName.apply(layer + "self_attn.q_norm.weight") : null,
                architecture.qkNorm() ? byName.apply(layer + "self_attn.k_norm.weight") : null,
                byName.apply(ParameterLayout.outputWeight(i)),
                byName.apply(layer + "post_attention_layernorm.weight"),
                byName.apply(ParameterLayout.gateUpWeight(i)),
                byName.apply(ParameterLayout.downWeight(i)));
    }
}
