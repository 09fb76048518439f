package intuitor.model;

import intuitor.model.Tape.Matrix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The three architectures once more, in fp64, written from their formulas: one sequence at a time, no packing, no
 * cache, no fusion, every matrix in full, parameters under their Hugging Face names. It shares no code with the engine.
 */
final class ReferenceModel {

    /** The facts of a small model; {@link #json} is its config.json. */
    record Shape(String architecture, int vocab, int hidden, int feedForward, int layers, int heads, int kvHeads,
                 int headDim, double eps, double theta, Llama3 scaling, boolean tied) {

        record Llama3(double factor, double low, double high, int original) {
        }

        String json() {
            String rope = scaling == null ? "null" : """
                    {"rope_type": "llama3", "factor": %s, "low_freq_factor": %s, "high_freq_factor": %s,
                     "original_max_position_embeddings": %d}""".formatted(scaling.factor, scaling.low, scaling.high,
                    scaling.original);
            return """
                    {"architectures": ["%s"], "vocab_size": %d, "hidden_size": %d, "intermediate_size": %d,
                     "num_hidden_layers": %d, "num_attention_heads": %d, "num_key_value_heads": %d, "head_dim": %d,
                     "rms_norm_eps": %s, "rope_theta": %s, "rope_scaling": %s, "tie_word_embeddings": %s,
                     "hidden_act": "silu", "max_position_embeddings": 4096, "eos_token_id": 0}
                    """.formatted(architecture, vocab, hidden, feedForward, layers, heads, kvHeads, headDim, eps, theta,
                    rope, tied);
        }
    }

    /** What a sequence's tokens 1, 2, ... were worth, and the model's view of each. */
    record Scores(double[] logprob, double[] entropy, double[] selfCertainty, double[][] logits) {
    }

    private final Shape shape;
    private final Map<String, double[]> parameters;
    private final Map<String, double[]> gradients = new LinkedHashMap<>();

    ReferenceModel(Shape shape, Map<String, double[]> parameters) {
        this.shape = shape;
        this.parameters = parameters;
        parameters.forEach((name, values) -> gradients.put(name, new double[values.length]));
    }

    /** Gradients so far, under the parameters' names. */
    Map<String, double[]> gradients() {
        return gradients;
    }

    /** Scores every token of the sequence but the first. */
    Scores score(int[] sequence, double temperature, double certaintyTemperature) {
        Matrix logits = new Forward().logits(Arrays.copyOf(sequence, sequence.length - 1));
        int n = logits.rows;
        Scores scores = new Scores(new double[n], new double[n], new double[n], new double[n][]);
        for (int t = 0; t < n; t++) {
            double[] z = Arrays.copyOfRange(logits.value, t * shape.vocab, (t + 1) * shape.vocab);
            double[] logp = logSoftmax(z, temperature);
            scores.logits[t] = z;
            scores.logprob[t] = logp[sequence[t + 1]];
            scores.entropy[t] = -Arrays.stream(logp).map(l -> Math.exp(l) * l).sum();
            // KL(uniform || p) = sum_j 1/V (log 1/V - log p_j)
            scores.selfCertainty[t] = Arrays.stream(logSoftmax(z, certaintyTemperature))
                    .map(l -> (Math.log(1.0 / shape.vocab) - l) / shape.vocab).sum();
        }
        return scores;
    }

    /**
     * Loss sum_t coefficient[t] * logprob of token t + 1 of the sequence; adds its gradients. A coefficient of 0 leaves
     * a token out.
     */
    double lossAndBackward(int[] sequence, double[] coefficient, double temperature) {
        Forward f = new Forward();
        Matrix z = f.tape.scale(f.logits(Arrays.copyOf(sequence, sequence.length - 1)), 1 / temperature);
        double[] picked = new double[z.value.length];
        for (int t = 0; t < z.rows; t++) {
            picked[t * shape.vocab + sequence[t + 1]] = 1;
        }
        Tape tape = f.tape;
        Matrix target = tape.rowSums(tape.times(z, tape.constant(z.rows, z.columns, picked)));
        Matrix lse = tape.map(tape.rowSums(tape.map(z, Math::exp, Math::exp)), Math::log, x -> 1 / x);
        Matrix logprob = tape.plus(target, tape.scale(lse, -1));
        Matrix loss = tape.sum(tape.times(logprob, tape.constant(coefficient.length, 1, coefficient)));
        tape.backward(loss);
        f.leaves.forEach((name, leaf) -> {
            double[] sum = gradients.get(name);
            for (int i = 0; i < sum.length; i++) {
                sum[i] += leaf.gradient[i];
            }
        });
        return loss.value[0];
    }

    private static double[] logSoftmax(double[] z, double temperature) {
        double max = Arrays.stream(z).max().orElseThrow();
        double sum = Arrays.stream(z).map(x -> Math.exp((x - max) / temperature)).sum();
        return Arrays.stream(z).map(x -> (x - max) / temperature - Math.log(sum)).toArray();
    }

    /** One sequence's way through the network. */
    private final class Forward {

        final Tape tape = new Tape();
        final Map<String, Matrix> leaves = new LinkedHashMap<>();

        Matrix logits(int[] tokens) {
            Matrix embedding = parameter("model.embed_tokens.weight", shape.vocab);
            Matrix x = tape.rows(embedding, tokens);
            for (int i = 0; i < shape.layers; i++) {
                String layer = "model.layers." + i + ".";
                x = tape.plus(x, attention(layer + "self_attn.", norm(x, layer + "input_layernorm.weight")));
                x = tape.plus(x, feedForward(layer + "mlp.", norm(x, layer + "post_attention_layernorm.weight")));
            }
            Matrix hidden = norm(x, "model.norm.weight");
            return tape.timesTransposed(hidden, shape.tied ? embedding : parameter("lm_head.weight", shape.vocab));
        }

        private Matrix parameter(String name, int rows) {
            return leaves.computeIfAbsent(name, n -> {
                double[] values = parameters.get(n);
                return tape.constant(rows, values.length / rows, values);
            });
        }

        private Matrix norm(Matrix x, String gain) {
            Matrix meanSquare = tape.scale(tape.rowSums(tape.times(x, x)), 1.0 / x.columns);
            Matrix inverse = tape.map(meanSquare, m -> 1 / Math.sqrt(m + shape.eps),
                    m -> -0.5 * Math.pow(m + shape.eps, -1.5));
            return tape.times(tape.times(x, inverse), parameter(gain, 1));
        }

        private Matrix linear(String name, Matrix x, int outputs) {
            Matrix y = tape.timesTransposed(x, parameter(name + ".weight", outputs));
            return parameters.containsKey(name + ".bias") ? tape.plus(y, parameter(name + ".bias", 1)) : y;
        }

        private Matrix attention(String prefix, Matrix x) {
            int d = shape.headDim;
            Matrix q = linear(prefix + "q_proj", x, shape.heads * d);
            Matrix k = linear(prefix + "k_proj", x, shape.kvHeads * d);
            Matrix v = linear(prefix + "v_proj", x, shape.kvHeads * d);
            boolean normed = shape.architecture.startsWith("Qwen3");
            List<Matrix> heads = new ArrayList<>();
            for (int h = 0; h < shape.heads; h++) {
                int kv = h / (shape.heads / shape.kvHeads);
                Matrix qh = tape.columns(q, h * d, d);
                Matrix kh = tape.columns(k, kv * d, d);
                if (normed) {
                    qh = norm(qh, prefix + "q_norm.weight");
                    kh = norm(kh, prefix + "k_norm.weight");
                }
                Matrix scores = tape.scale(tape.timesTransposed(rotate(qh), rotate(kh)), 1 / Math.sqrt(d));
                heads.add(tape.timesTransposed(causalSoftmax(scores), tape.transpose(tape.columns(v, kv * d, d))));
            }
            return linear(prefix + "o_proj", tape.beside(heads), shape.hidden);
        }

        private Matrix causalSoftmax(Matrix scores) {
            double[] visible = new double[scores.value.length];
            for (int i = 0; i < scores.rows; i++) {
                Arrays.fill(visible, i * scores.columns, i * scores.columns + i + 1, 1);
            }
            Matrix e = tape.times(tape.map(scores, Math::exp, Math::exp),
                    tape.constant(scores.rows, scores.columns, visible));
            return tape.times(e, tape.map(tape.rowSums(e), s -> 1 / s, s -> -1 / (s * s)));
        }

        /** x cos + rotate_half(x) sin, the angles of a head's two halves being the same. */
        private Matrix rotate(Matrix x) {
            int half = shape.headDim / 2;
            double[] cos = new double[x.value.length];
            double[] sin = new double[x.value.length];
            for (int t = 0; t < x.rows; t++) {
                for (int j = 0; j < x.columns; j++) {
                    double angle = t * frequency(j % half);
                    cos[t * x.columns + j] = Math.cos(angle);
                    sin[t * x.columns + j] = Math.sin(angle);
                }
            }
            Matrix turned = tape.beside(List.of(tape.scale(tape.columns(x, half, half), -1), tape.columns(x, 0, half)));
            return tape.plus(tape.times(x, tape.constant(x.rows, x.columns, cos)),
                    tape.times(turned, tape.constant(x.rows, x.columns, sin)));
        }

        private double frequency(int i) {
            double f = 1 / Math.pow(shape.theta, 2.0 * i / shape.headDim);
            Shape.Llama3 s = shape.scaling;
            if (s == null) {
                return f;
            }
            // transformers' _compute_llama3_parameters
            double wavelength = 2 * Math.PI / f;
            double scaled = wavelength > s.original / s.low ? f / s.factor : f;
            double smooth = (s.original / wavelength - s.low) / (s.high - s.low);
            boolean medium = !(wavelength < s.original / s.high) && !(wavelength > s.original / s.low);
            return medium ? (1 - smooth) * scaled / s.factor + smooth * scaled : scaled;
        }

        private Matrix feedForward(String prefix, Matrix x) {
            Matrix gate = linear(prefix + "gate_proj", x, shape.feedForward);
            Matrix up = linear(prefix + "up_proj", x, shape.feedForward);
            Matrix silu = tape.map(gate, g -> g / (1 + Math.exp(-g)), g -> {
                double s = 1 / (1 + Math.exp(-g));
                return s + g * s * (1 - s);
            });
            return linear(prefix + "down_proj", tape.times(silu, up), shape.hidden);
        }
    }
}
