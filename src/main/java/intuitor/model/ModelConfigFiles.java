package intuitor.model;

import intuitor.Json;
import intuitor.UserError;
import intuitor.checkpoint.AtomicFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * config.json and generation_config.json, in the spelling of transformers 4 (rope_theta, rope_scaling, torch_dtype) and
 * of transformers 5 (rope_parameters, dtype); written in the former, which both read.
 */
final class ModelConfigFiles {

    private static final String CONFIG = "config.json";
    private static final String GENERATION = "generation_config.json";
    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** The parsed object and the file it came from, for messages. */
    private final JsonNode json;
    private final Path file;

    private ModelConfigFiles(JsonNode json, Path file) {
        this.json = json;
        this.file = file;
    }

    static ModelConfig read(Path folder) {
        ModelConfigFiles config = parse(folder.resolve(CONFIG));
        Path generation = folder.resolve(GENERATION);
        // as in transformers, the tokens that generation_config.json names win over those of config.json
        Optional<ModelConfigFiles> tokens =
                Files.exists(generation) ? Optional.of(parse(generation)) : Optional.empty();
        try {
            return config.model(tokens);
        } catch (UserError e) {
            String message = e.getMessage();
            throw message.startsWith(folder.toString()) ? e : new UserError(config.file + ": " + message);
        }
    }

    private static ModelConfigFiles parse(Path file) {
        JsonNode json;
        try {
            json = JSON.readTree(Files.readString(file));
        } catch (IOException e) {
            throw new UserError(file + ": cannot be read; a model folder needs a config.json, model.safetensors and "
                    + "tokenizer.json", e);
        } catch (JacksonException e) {
            throw new UserError(file + ": not valid JSON: " + Json.complaint(e), e);
        }
        if (!json.isObject()) {
            throw new UserError(file + ": holds no JSON object");
        }
        return new ModelConfigFiles(json, file);
    }

    // ------------------------------------------------------------------------------------------------ reading

    private ModelConfig model(Optional<ModelConfigFiles> generation) {
        Architecture architecture = architecture();
        refuseUnsupported();
        int hidden = integer("hidden_size");
        int heads = integer("num_attention_heads");
        ModelConfigFiles rope = ropeSection();
        return new ModelConfig(architecture, integer("vocab_size"), hidden, integer("intermediate_size"),
                integer("num_hidden_layers"), heads, optionalInteger("num_key_value_heads").orElse(heads),
                headDim(architecture, hidden, heads), number("rms_norm_eps"),
                rope.given("rope_theta") ? rope.number("rope_theta") : number("rope_theta"), ropeScaling(rope),
                integer("max_position_embeddings"), flag("tie_word_embeddings"), dtype(),
                generation.map(g -> g.tokenIds("eos_token_id")).filter(ids -> !ids.isEmpty())
                        .orElseGet(() -> tokenIds("eos_token_id")),
                generation.map(g -> g.optionalToken("bos_token_id")).filter(OptionalInt::isPresent)
                        .orElseGet(() -> optionalToken("bos_token_id")),
                generation.map(g -> g.optionalToken("pad_token_id")).filter(OptionalInt::isPresent)
                        .orElseGet(() -> optionalToken("pad_token_id")));
    }

    private Architecture architecture() {
        JsonNode names = json.path("architectures");
        String found = names.isArray() && names.size() == 1 ? names.get(0).asString("") : "";
        if (found.isEmpty()) {
            throw error("architectures must name one class, one of " + knownArchitectures());
        }
        return Arrays.stream(Architecture.values()).filter(a -> a.className().equals(found)).findFirst()
                .orElseThrow(() -> error(
                        "architecture " + found + " is not supported; known are " + knownArchitectures()));
    }

    private static String knownArchitectures() {
        return Arrays.stream(Architecture.values()).map(Architecture::className).collect(Collectors.joining(", "));
    }

    /** What would change the mathematics and is not implemented must stop us: silently wrong numbers are worse. */
    private void refuseUnsupported() {
        String activation = text("hidden_act");
        if (!activation.equals("silu")) {
            throw error("hidden_act " + activation + " is not supported; only silu is");
        }
        for (JsonNode type : json.path("layer_types")) {
            if (!type.asString("").equals("full_attention")) {
                throw error("layer type " + type.asString("?") + " is not supported; only full_attention is");
            }
        }
        refuse("use_sliding_window", "sliding-window attention");
        refuse("attention_bias", "a bias on every attention projection");
        refuse("mlp_bias", "a bias in the feed-forward layer");
        if (given("quantization_config")) {
            throw error("quantised weights are not supported; use the model in float32, bfloat16 or float16");
        }
    }

    private void refuse(String field, String what) {
        if (flag(field)) {
            throw error(field + " is true, and " + what + " is not supported");
        }
    }

    private int headDim(Architecture architecture, int hidden, int heads) {
        if (given("head_dim") || architecture == Architecture.QWEN3) { // Qwen3's is not hidden_size / heads
            return integer("head_dim");
        }
        if (heads < 1 || hidden % heads != 0) {
            throw error("hidden_size " + hidden + " is not a multiple of num_attention_heads " + heads
                    + ", and there is no head_dim");
        }
        return hidden / heads;
    }

    /** Where the rotary settings are: rope_parameters (transformers 5), rope_scaling (4), or nowhere. */
    private ModelConfigFiles ropeSection() {
        for (String field : List.of("rope_parameters", "rope_scaling")) {
            if (given(field)) {
                if (!json.get(field).isObject()) {
                    throw error(field + " must be an object");
                }
                return new ModelConfigFiles(json.get(field), file);
            }
        }
        return new ModelConfigFiles(JsonNodeFactory.instance.objectNode(), file);
    }

    private Optional<RopeScaling> ropeScaling(ModelConfigFiles rope) {
        for (ModelConfigFiles section : List.of(this, rope)) {
            if (section.given("partial_rotary_factor") && section.number("partial_rotary_factor") != 1) {
                throw error("partial_rotary_factor is not supported; RoPE must turn whole heads");
            }
        }
        String type = rope.given("rope_type") ? rope.text("rope_type")
                : rope.given("type") ? rope.text("type") : "default";
        return switch (type) {
            case "default" -> Optional.empty();
            case "llama3" -> Optional.of(new RopeScaling(rope.number("factor"), rope.number("low_freq_factor"),
                    rope.number("high_freq_factor"), rope.integer("original_max_position_embeddings")));
            default -> throw error("rope type " + type + " is not supported; known are default and llama3");
        };
    }

    private String dtype() {
        return given("dtype") ? text("dtype") : given("torch_dtype") ? text("torch_dtype") : "float32";
    }

    private boolean given(String field) {
        return !json.path(field).isMissingNode() && !json.path(field).isNull();
    }

    private JsonNode required(String field) {
        if (!given(field)) {
            throw error(field + " is missing");
        }
        return json.get(field);
    }

    private int integer(String field) {
        JsonNode node = required(field);
        if (!node.isIntegralNumber() || !node.canConvertToInt()) {
            throw error(field + " must be a whole number, not " + node);
        }
        return node.intValue();
    }

    private OptionalInt optionalInteger(String field) {
        return given(field) ? OptionalInt.of(integer(field)) : OptionalInt.empty();
    }

    private double number(String field) {
        JsonNode node = required(field);
        if (!node.isNumber()) {
            throw error(field + " must be a number, not " + node);
        }
        return node.doubleValue();
    }

    /** A truth value; false where it is missing, which is the default of every flag that is read here. */
    private boolean flag(String field) {
        if (!given(field)) {
            return false;
        }
        if (!json.get(field).isBoolean()) {
            throw error(field + " must be true or false, not " + json.get(field));
        }
        return json.get(field).booleanValue();
    }

    private String text(String field) {
        JsonNode node = required(field);
        if (!node.isString()) {
            throw error(field + " must be a text, not " + node);
        }
        return node.stringValue();
    }

    /** A token id or a list of them; empty if the field is missing. */
    private List<Integer> tokenIds(String field) {
        if (!given(field)) {
            return List.of();
        }
        JsonNode node = json.get(field);
        List<Integer> ids = new ArrayList<>();
        for (JsonNode id : node.isArray() ? node : JsonNodeFactory.instance.arrayNode().add(node)) {
            if (!id.isIntegralNumber() || !id.canConvertToInt()) {
                throw error(field + " must be a token id or a list of them, not " + node);
            }
            ids.add(id.intValue());
        }
        return ids;
    }

    /** The first of {@link #tokenIds}, if any. */
    private OptionalInt optionalToken(String field) {
        return tokenIds(field).stream().mapToInt(Integer::intValue).findFirst();
    }

    private UserError error(String what) {
        return new UserError(file + ": " + what);
    }

    // ------------------------------------------------------------------------------------------------ writing

    static void write(ModelConfig config, Path folder) {
        AtomicFiles.writeString(folder.resolve(CONFIG), configJson(config) + "\n");
        AtomicFiles.writeString(folder.resolve(GENERATION), generationJson(config) + "\n");
    }

    static String configJson(ModelConfig c) {
        ObjectNode json = JSON.createObjectNode();
        json.putArray("architectures").add(c.architecture().className());
        json.put("model_type", c.architecture().modelType());
        json.put("vocab_size", c.vocabSize());
        json.put("hidden_size", c.hiddenSize());
        json.put("intermediate_size", c.intermediateSize());
        json.put("num_hidden_layers", c.layers());
        json.put("num_attention_heads", c.heads());
        json.put("num_key_value_heads", c.kvHeads());
        json.put("head_dim", c.headDim());
        json.put("hidden_act", "silu");
        json.put("rms_norm_eps", c.rmsNormEps());
        json.put("rope_theta", c.ropeTheta());
        c.ropeScaling().ifPresent(scaling -> json.putObject("rope_scaling")
                .put("rope_type", "llama3")
                .put("factor", scaling.factor())
                .put("low_freq_factor", scaling.lowFreqFactor())
                .put("high_freq_factor", scaling.highFreqFactor())
                .put("original_max_position_embeddings", scaling.originalMaxPositions()));
        json.put("max_position_embeddings", c.maxPositions());
        json.put("tie_word_embeddings", c.tiedHead());
        json.put("torch_dtype", c.dtype());
        putTokens(json, c);
        return pretty(json);
    }

    private static String generationJson(ModelConfig c) {
        ObjectNode json = JSON.createObjectNode();
        putTokens(json, c);
        return pretty(json);
    }

    private static void putTokens(ObjectNode json, ModelConfig c) {
        c.bosTokenId().ifPresent(id -> json.put("bos_token_id", id));
        if (c.eosTokenIds().size() == 1) {
            json.put("eos_token_id", c.eosTokenIds().getFirst());
        } else if (!c.eosTokenIds().isEmpty()) {
            ArrayNode ids = json.putArray("eos_token_id");
            c.eosTokenIds().forEach(ids::add);
        }
        c.padTokenId().ifPresent(id -> json.put("pad_token_id", id));
    }

    private static String pretty(ObjectNode json) {
        return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json);
    }
}
