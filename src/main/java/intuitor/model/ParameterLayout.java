package intuitor.model;

import intuitor.model.ParameterSpec.Kind;
import intuitor.model.ParameterSpec.Part;
import java.util.ArrayList;
import java.util.List;

/** The names, shapes and places of a model's parameters. */
final class ParameterLayout {

    static final String EMBEDDING = "model.embed_tokens.weight";
    static final String FINAL_NORM = "model.norm.weight";
    static final String LM_HEAD = "lm_head.weight";

    /** Elements between the starts of parameters are a multiple of this: a cache line of fp32, half of one of bf16. */
    private static final long ALIGNMENT = 16;

    private final List<ParameterSpec> specs = new ArrayList<>();
    private long end;

    private ParameterLayout() {
    }

    static List<ParameterSpec> of(ModelConfig c) {
        ParameterLayout layout = new ParameterLayout();
        long hidden = c.hiddenSize();
        long feedForward = c.intermediateSize();
        layout.add(EMBEDDING, Kind.MATRIX, List.of(new Part(EMBEDDING, c.vocabSize())), hidden);
        for (int i = 0; i < c.layers(); i++) {
            String layer = layer(i);
            layout.norm(layer + "input_layernorm.weight", hidden);
            layout.add(qkvWeight(i), Kind.MATRIX, qkvParts(c, layer, "weight"), hidden);
            if (c.architecture().qkvBias()) {
                layout.add(qkvBias(i), Kind.BIAS, qkvParts(c, layer, "bias"));
            }
            if (c.architecture().qkNorm()) {
                layout.norm(layer + "self_attn.q_norm.weight", c.headDim());
                layout.norm(layer + "self_attn.k_norm.weight", c.headDim());
            }
            layout.matrix(outputWeight(i), hidden, c.queryWidth());
            layout.norm(layer + "post_attention_layernorm.weight", hidden);
            layout.add(gateUpWeight(i), Kind.MATRIX, List.of(new Part(layer + "mlp.gate_proj.weight", feedForward),
                    new Part(layer + "mlp.up_proj.weight", feedForward)), hidden);
            layout.matrix(downWeight(i), hidden, feedForward);
        }
        layout.norm(FINAL_NORM, hidden);
        if (!c.tiedHead()) {
            layout.matrix(LM_HEAD, c.vocabSize(), hidden);
        }
        return List.copyOf(layout.specs);
    }

    /** Elements of the flat buffer, alignment included. */
    static long elements(List<ParameterSpec> specs) {
        ParameterSpec last = specs.getLast();
        return aligned(last.offset() + last.size());
    }

    static String layer(int i) {
        return "model.layers." + i + ".";
    }

    static String qkvWeight(int i) {
        return layer(i) + "self_attn.qkv_proj.weight";
    }

    static String qkvBias(int i) {
        return layer(i) + "self_attn.qkv_proj.bias";
    }

    static String gateUpWeight(int i) {
        return layer(i) + "mlp.gate_up_proj.weight";
    }

    static String outputWeight(int i) {
        return layer(i) + "self_attn.o_proj.weight";
    }

    static String downWeight(int i) {
        return layer(i) + "mlp.down_proj.weight";
    }

    private static List<Part> qkvParts(ModelConfig c, String layer, String what) {
        return List.of(new Part(layer + "self_attn.q_proj." + what, c.queryWidth()),
                new Part(layer + "self_attn.k_proj." + what, c.kvWidth()),
                new Part(layer + "self_attn.v_proj." + what, c.kvWidth()));
    }

    private void matrix(String name, long rows, long columns) {
        add(name, Kind.MATRIX, List.of(new Part(name, rows)), columns);
    }

    private void norm(String name, long n) {
        add(name, Kind.NORM, List.of(new Part(name, n)));
    }

    private void add(String name, Kind kind, List<Part> parts, long... columns) {
        List<Long> shape = new ArrayList<>();
        shape.add(parts.stream().mapToLong(Part::rows).sum());
        for (long n : columns) {
            shape.add(n);
        }
        ParameterSpec spec = new ParameterSpec(name, kind, List.copyOf(shape), end, parts);
        specs.add(spec);
        end = aligned(end + spec.size());
    }

    private static long aligned(long n) {
        return Math.ceilDiv(n, ALIGNMENT) * ALIGNMENT;
    }
}
