package intuitor.model;

import intuitor.UserError;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The facts of one model, all of them read from its config.json (and generation_config.json): nothing about a published
 * model is written in this program.
 *
 * @param architecture     which of the known decoders
 * @param vocabSize        V, rows of the embedding and width of the LM head (padding rows included)
 * @param hiddenSize       H, width of the residual stream
 * @param intermediateSize F, width of the feed-forward layer
 * @param layers           number of decoder layers
 * @param heads            Hq, query heads
 * @param kvHeads          Hkv, key/value heads; divides {@code heads}
 * @param headDim          D, width of a head; even
 * @param rmsNormEps       epsilon of every RMSNorm
 * @param ropeTheta        base of the rotary frequencies
 * @param ropeScaling      Llama 3's rescaling of them, if any
 * @param maxPositions     longest sequence (max_position_embeddings)
 * @param tiedHead         whether the LM head is the embedding (tie_word_embeddings)
 * @param dtype            storage type the folder declares ("float32", "bfloat16", ...); the tensors themselves decide
 * @param eosTokenIds      tokens that end a completion
 * @param bosTokenId       first token of a text, if the model has one
 * @param padTokenId       padding token, if declared; kept for the round trip only
 */
public record ModelConfig(Architecture architecture, int vocabSize, int hiddenSize, int intermediateSize, int layers,
                          int heads, int kvHeads, int headDim, double rmsNormEps, double ropeTheta,
                          Optional<RopeScaling> ropeScaling, int maxPositions, boolean tiedHead, String dtype,
                          List<Integer> eosTokenIds, OptionalInt bosTokenId, OptionalInt padTokenId) {

    public ModelConfig {
        positive("vocab_size", vocabSize);
        positive("hidden_size", hiddenSize);
        positive("intermediate_size", intermediateSize);
        positive("num_hidden_layers", layers);
        positive("num_attention_heads", heads);
        positive("num_key_value_heads", kvHeads);
        positive("head_dim", headDim);
        positive("max_position_embeddings", maxPositions);
        if (heads % kvHeads != 0) {
            throw new UserError(
                    "num_attention_heads " + heads + " is not a multiple of num_key_value_heads " + kvHeads);
        }
        if (headDim % 2 != 0) {
            throw new UserError("head_dim " + headDim + " is odd; rotary position embeddings need an even one");
        }
        if (!(rmsNormEps > 0 && rmsNormEps < 1)) {
            throw new UserError("rms_norm_eps " + rmsNormEps + " must lie between 0 and 1");
        }
        if (!(ropeTheta > 1) || Double.isInfinite(ropeTheta)) {
            throw new UserError("rope_theta " + ropeTheta + " must be greater than 1");
        }
        eosTokenIds = List.copyOf(eosTokenIds);
        for (int id : eosTokenIds) {
            if (id < 0 || id >= vocabSize) {
                throw new UserError("eos_token_id " + id + " (here or in generation_config.json) is outside the"
                        + " vocabulary of " + vocabSize);
            }
        }
    }

    /**
     * Reads config.json and, if there is one, generation_config.json of a Hugging Face folder.
     *
     * @throws UserError if a file is missing or malformed, the architecture or a feature it asks for is not supported,
     *                   or a field is missing or makes no sense
     */
    public static ModelConfig read(Path folder) {
        return ModelConfigFiles.read(folder);
    }

    /** Writes config.json and generation_config.json as transformers reads them, for weights stored as dtype says. */
    public void write(Path folder) {
        ModelConfigFiles.write(this, folder);
    }

    /** Hq D, width of the queries of one token. */
    public int queryWidth() {
        return heads * headDim;
    }

    /** Hkv D, width of the keys (or values) of one token. */
    public int kvWidth() {
        return kvHeads * headDim;
    }

    /** (Hq + 2 Hkv) D, width of the fused query/key/value projection. */
    public int qkvWidth() {
        return queryWidth() + 2 * kvWidth();
    }

    /** One line for people: "qwen2, 4 layers, hidden 128, 4/2 heads of 32, vocabulary 512". */
    public String summary() {
        return String.format(Locale.ROOT,
                "%s, %d layers, hidden %d, feed-forward %d, %d/%d heads of %d, vocabulary %d%s",
                architecture.modelType(), layers, hiddenSize, intermediateSize, heads, kvHeads, headDim, vocabSize,
                tiedHead ? " (tied)" : "");
    }

    private static void positive(String field, int value) {
        if (value < 1) {
            throw new UserError(field + " is " + value + "; it must be at least 1");
        }
    }
}
