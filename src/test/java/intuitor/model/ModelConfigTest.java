package intuitor.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelConfigTest {

    /** As published with Qwen2.5-0.5B. */
    private static final String QWEN25 = """
            {
              "architectures": ["Qwen2ForCausalLM"],
              "attention_dropout": 0.0,
              "bos_token_id": 151643,
              "eos_token_id": 151643,
              "hidden_act": "silu",
              "hidden_size": 896,
              "initializer_range": 0.02,
              "intermediate_size": 4864,
              "max_position_embeddings": 32768,
              "max_window_layers": 24,
              "model_type": "qwen2",
              "num_attention_heads": 14,
              "num_hidden_layers": 24,
              "num_key_value_heads": 2,
              "rms_norm_eps": 1e-06,
              "rope_theta": 1000000.0,
              "sliding_window": 32768,
              "tie_word_embeddings": true,
              "torch_dtype": "bfloat16",
              "transformers_version": "4.40.1",
              "use_cache": true,
              "use_mrope": false,
              "use_sliding_window": false,
              "vocab_size": 151936
            }
            """;

    /** As published with Llama-3.2-1B-Instruct. */
    private static final String LLAMA32 = """
            {
              "architectures": ["LlamaForCausalLM"],
              "attention_bias": false,
              "attention_dropout": 0.0,
              "bos_token_id": 128000,
              "eos_token_id": [128001, 128008, 128009],
              "head_dim": 64,
              "hidden_act": "silu",
              "hidden_size": 2048,
              "initializer_range": 0.02,
              "intermediate_size": 8192,
              "max_position_embeddings": 131072,
              "mlp_bias": false,
              "model_type": "llama",
              "num_attention_heads": 32,
              "num_hidden_layers": 16,
              "num_key_value_heads": 8,
              "pretraining_tp": 1,
              "rms_norm_eps": 1e-05,
              "rope_scaling": {
                "factor": 32.0,
                "high_freq_factor": 4.0,
                "low_freq_factor": 1.0,
                "original_max_position_embeddings": 8192,
                "rope_type": "llama3"
              },
              "rope_theta": 500000.0,
              "tie_word_embeddings": true,
              "torch_dtype": "bfloat16",
              "vocab_size": 128256
            }
            """;

    /** Qwen3 as transformers 5 writes it. */
    private static final String QWEN3 = """
            {
              "architectures": ["Qwen3ForCausalLM"],
              "attention_bias": false,
              "bos_token_id": null,
              "dtype": "bfloat16",
              "eos_token_id": 151645,
              "head_dim": 128,
              "hidden_act": "silu",
              "hidden_size": 1024,
              "intermediate_size": 3072,
              "layer_types": ["full_attention", "full_attention"],
              "max_position_embeddings": 40960,
              "num_attention_heads": 16,
              "num_hidden_layers": 28,
              "num_key_value_heads": 8,
              "rms_norm_eps": 1e-06,
              "rope_parameters": {"rope_theta": 1000000, "rope_type": "default"},
              "sliding_window": null,
              "tie_word_embeddings": true,
              "use_sliding_window": false,
              "vocab_size": 151936
            }
            """;

    @TempDir
    Path folder;

    private ModelConfig read(String json) throws IOException {
        Files.writeString(folder.resolve("config.json"), json);
        return ModelConfig.read(folder);
    }

    @Test
    void qwen25() throws IOException {
        ModelConfig c = read(QWEN25);
        assertEquals(new ModelConfig(Architecture.QWEN2, 151936, 896, 4864, 24, 14, 2, 64, 1e-6, 1e6, Optional.empty(),
                32768, true, "bfloat16", List.of(151643), OptionalInt.of(151643), OptionalInt.empty()), c);
    }

    @Test
    void llama32() throws IOException {
        ModelConfig c = read(LLAMA32);
        assertEquals(new ModelConfig(Architecture.LLAMA, 128256, 2048, 8192, 16, 32, 8, 64, 1e-5, 5e5,
                Optional.of(new RopeScaling(32, 1, 4, 8192)), 131072, true, "bfloat16",
                List.of(128001, 128008, 128009), OptionalInt.of(128000), OptionalInt.empty()), c);
    }

    @Test
    void qwen3InTheSpellingOfTransformers5() throws IOException {
        ModelConfig c = read(QWEN3);
        assertEquals(new ModelConfig(Architecture.QWEN3, 151936, 1024, 3072, 28, 16, 8, 128, 1e-6, 1e6,
                Optional.empty(), 40960, true, "bfloat16", List.of(151645), OptionalInt.empty(),
                OptionalInt.empty()), c);
    }

    @Test
    void llamaScalingInTheSpellingOfTransformers5() throws IOException {
        String json = LLAMA32.replace("\"rope_theta\": 500000.0,", "")
                .replace("\"rope_scaling\": {", "\"rope_parameters\": {\"rope_theta\": 500000.0,");
        assertEquals(read(LLAMA32), read(json));
    }

    @Test
    void generationConfigDecidesWhatEndsACompletion() throws IOException {
        Files.writeString(folder.resolve("generation_config.json"),
                "{\"eos_token_id\": [151645, 151643], \"pad_token_id\": 151643}");
        ModelConfig c = read(QWEN25);
        assertEquals(List.of(151645, 151643), c.eosTokenIds());
        assertEquals(OptionalInt.of(151643), c.padTokenId());
        assertEquals(OptionalInt.of(151643), c.bosTokenId());
    }

    @Test
    void whatIsWrittenReadsBackTheSame() throws IOException {
        for (String json : List.of(QWEN25, LLAMA32, QWEN3)) {
            ModelConfig c = read(json);
            Path written = Files.createTempDirectory(folder, "written");
            c.write(written);
            assertEquals(c, ModelConfig.read(written));
            assertTrue(Files.exists(written.resolve("generation_config.json")));
        }
    }

    @Test
    void attentionDiffersByArchitectureOnly() {
        assertTrue(Architecture.QWEN2.qkvBias());
        assertFalse(Architecture.LLAMA.qkvBias() || Architecture.LLAMA.qkNorm());
        assertTrue(Architecture.QWEN3.qkNorm() && !Architecture.QWEN3.qkvBias());
    }

    /** A text of the Qwen2.5 config, what it is replaced by, and what the one-line message must say. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "Qwen2ForCausalLM | MistralForCausalLM | MistralForCausalLM is not supported; known are Qwen2ForCausalLM, "
                + "LlamaForCausalLM, Qwen3ForCausalLM",
        "\"architectures\": [\"Qwen2ForCausalLM\"], | '' | architectures must name one class",
        "\"hidden_size\": 896, | '' | hidden_size is missing",
        "\"hidden_size\": 896 | \"hidden_size\": \"896\" | hidden_size must be a whole number",
        "\"hidden_size\": 896 | \"hidden_size\": 896.5 | hidden_size must be a whole number",
        "\"hidden_size\": 896 | \"hidden_size\": 900 | hidden_size 900 is not a multiple of num_attention_heads 14",
        "\"num_key_value_heads\": 2 | \"num_key_value_heads\": 3 | 14 is not a multiple of num_key_value_heads 3",
        "\"num_key_value_heads\": 2 | \"num_key_value_heads\": 0 | num_key_value_heads is 0; it must be at least 1",
        "\"num_hidden_layers\": 24 | \"num_hidden_layers\": 0 | num_hidden_layers is 0",
        "\"num_attention_heads\": 14 | \"num_attention_heads\": 128 | head_dim 7 is odd",
        "\"vocab_size\": 151936 | \"vocab_size\": -1 | vocab_size is -1",
        "\"vocab_size\": 151936 | \"vocab_size\": 1000 | outside the vocabulary of 1000",
        "\"hidden_act\": \"silu\" | \"hidden_act\": \"gelu\" | hidden_act gelu is not supported",
        "\"use_sliding_window\": false | \"use_sliding_window\": true | sliding-window attention is not supported",
        "\"use_cache\": true | \"layer_types\": [\"sliding_attention\"] "
                + "| layer type sliding_attention is not supported",
        "\"use_cache\": true | \"attention_bias\": true | attention_bias is true",
        "\"use_cache\": true | \"mlp_bias\": true | mlp_bias is true",
        "\"use_cache\": true | \"quantization_config\": {\"bits\": 4} | quantised weights are not supported",
        "\"use_cache\": true | \"rope_scaling\": {\"type\": \"yarn\"} | rope type yarn is not supported",
        "\"use_cache\": true | \"rope_scaling\": {\"rope_type\": \"llama3\"} | factor is missing",
        "\"use_cache\": true | \"rope_scaling\": 4 | rope_scaling must be an object",
        "\"use_cache\": true | \"partial_rotary_factor\": 0.5 | partial_rotary_factor is not supported",
        "\"rope_theta\": 1000000.0, | '' | rope_theta is missing",
        "\"rope_theta\": 1000000.0 | \"rope_theta\": -1 | rope_theta -1.0 must be greater than 1",
        "\"rms_norm_eps\": 1e-06 | \"rms_norm_eps\": 0 | rms_norm_eps 0.0 must lie between 0 and 1",
        "\"tie_word_embeddings\": true | \"tie_word_embeddings\": 1 | tie_word_embeddings must be true or false",
        "\"eos_token_id\": 151643 | \"eos_token_id\": [\"x\"] | eos_token_id must be a token id or a list of them",
    })
    void errorsSayWhatIsWrong(String text, String replacement, String message) {
        String json = QWEN25.replace(text, replacement);
        assertFalse(json.equals(QWEN25), "nothing replaced");
        UserError error = assertThrows(UserError.class, () -> read(json));
        assertTrue(error.getMessage().contains(message), error.getMessage());
        assertTrue(error.getMessage().startsWith(folder.resolve("config.json").toString()), error.getMessage());
    }

    @Test
    void qwen3NeedsItsHeadSize() {
        UserError error = assertThrows(UserError.class, () -> read(QWEN3.replace("\"head_dim\": 128,", "")));
        assertTrue(error.getMessage().endsWith("head_dim is missing"), error.getMessage());
    }

    @Test
    void unreadableFiles() {
        UserError missing = assertThrows(UserError.class, () -> ModelConfig.read(folder));
        assertTrue(missing.getMessage().contains("config.json: cannot be read"), missing.getMessage());
        UserError noJson = assertThrows(UserError.class, () -> read("{\"vocab_size\": "));
        assertTrue(noJson.getMessage().contains("config.json: not valid JSON"), noJson.getMessage());
        UserError noObject = assertThrows(UserError.class, () -> read("[1]"));
        assertTrue(noObject.getMessage().contains("holds no JSON object"), noObject.getMessage());
    }
}
