package intuitor.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.optim.SchedulerType;
import intuitor.recipe.Recipe;
import intuitor.reward.AnswerExtraction;
import intuitor.text.BpeModel;
import intuitor.text.BpeTrainer;
import intuitor.text.TokenizerWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The recipes of the published runs, beside the published settings (arXiv 2505.19590 and its public code). */
class RecipesTest {

    private static final Path RECIPES = Path.of("recipes");
    private static final String HELPFUL =
            "You are a helpful AI Assistant, designed to provided well-reasoned and detailed responses. ";
    private static final String BOXED = HELPFUL + "You FIRST think about the reasoning process step by step and then "
            + "provide the user with the answer. Please enclose your final answer in the box: \\boxed{Your Answer}.";
    private static final String BOXED_AND_STOP = BOXED + " Please stop generation immediately after outputing the box.";
    private static final String STEP_BY_STEP =
            HELPFUL + "Please provide a step-by-step solution to the following problem.";
    private static final String PROGRAMS =
            "You are an AI designed to help solve competitive programming problems by generating Python code.";
    private static final Map<String, String> SYSTEM_PROMPTS = Map.of("1.5b", BOXED, "3b", BOXED_AND_STOP, "7b",
            STEP_BY_STEP, "14b", STEP_BY_STEP, "llama", BOXED_AND_STOP, "code", PROGRAMS);
    private static final int MATH_PROBLEMS = 7500;

    @TempDir
    Path folder;

    /** hidden_size, intermediate_size, layers, heads, KV heads, vocabulary, tied, rms_norm_eps. */
    private static final Map<String, List<String>> SHAPES = Map.of(
            "1.5b", List.of("1536", "8960", "28", "12", "2", "151936", "true", "1e-6"),
            "3b", List.of("2048", "11008", "36", "16", "2", "151936", "true", "1e-6"),
            "7b", List.of("3584", "18944", "28", "28", "4", "152064", "false", "1e-6"),
            "14b", List.of("5120", "13824", "48", "40", "8", "152064", "false", "1e-5"),
            "llama", List.of("3072", "8192", "28", "24", "8", "128256", "true", "1e-5"));

    /**
     * A folder without weights: the published configuration, a small tokenizer, a chat template of the model's kind.
     */
    private Path model(String size) throws IOException {
        List<String> s = SHAPES.get(size);
        boolean llama = size.equals("llama");
        List<String> special = llama
                ? List.of("<|begin_of_text|>", "<|end_of_text|>", "<|eom_id|>", "<|eot_id|>", "<|start_header_id|>",
                        "<|end_header_id|>")
                : List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>");
        String template = llama
                ? "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\\n\\n"
                        + "{{ m.content }}<|eot_id|>{% endfor %}{% if add_generation_prompt %}<|start_header_id|>"
                        + "assistant<|end_header_id|>\\n\\n{% endif %}"
                : "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
                        + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
        BpeModel bpe = BpeTrainer.train(List.of("Solve x + 1 = 2 step by step"), 290, special);
        Files.writeString(folder.resolve("tokenizer.json"), TokenizerWriter.tokenizerJson(bpe));
        Files.writeString(folder.resolve("tokenizer_config.json"), TokenizerWriter.configJson(bpe, 32768, template));
        Files.writeString(folder.resolve("config.json"), String.format("""
                {"architectures": ["%s"], "model_type": "%s", "hidden_act": "silu", "hidden_size": %s,
                "intermediate_size": %s, "num_hidden_layers": %s, "num_attention_heads": %s, "num_key_value_heads": %s,
                "vocab_size": %s, "tie_word_embeddings": %s, "rms_norm_eps": %s, "rope_theta": 1000000.0,
                "head_dim": 128, "max_position_embeddings": 32768, "eos_token_id": %s, "torch_dtype": "bfloat16"}
                """, llama ? "LlamaForCausalLM" : "Qwen2ForCausalLM", llama ? "llama" : "qwen2", s.get(0), s.get(1),
                s.get(2), s.get(3), s.get(4), s.get(5), s.get(6), s.get(7), llama ? "[285, 286, 287]" : "287"));
        return folder;
    }

    /** As many problems as MATH has; in code_contests' layout where programs are asked for. */
    private Path data(boolean code) throws IOException {
        return Files.writeString(folder.resolve("data.jsonl"), IntStream.range(0, MATH_PROBLEMS).mapToObj(i -> code
                ? "{\"description\":\"Print " + i + ".\",\"source\":" + (i % 4 == 0 ? 1 : 2) + "}\n"
                : "{\"problem\":\"Solve x + " + i + " = 2.\",\"solution\":\"$x = \\\\boxed{" + (2 - i) + "}$\"}\n")
                .collect(Collectors.joining()));
    }

    @ParameterizedTest
    @CsvSource({
        "qwen2.5-1.5b-intuitor, 1.5b, self_certainty, 3e-6, 0.005, 7, 128, 512, 3072, 58",
        "qwen2.5-1.5b-grpo, 1.5b, accuracy, 3e-6, 0.005, 7, 128, 512, 3072, 58",
        "qwen2.5-3b-intuitor, 3b, self_certainty, 3e-6, 0.005, 7, 128, 512, 3072, 58",
        "qwen2.5-3b-grpo, 3b, accuracy, 3e-6, 0.005, 7, 128, 512, 3072, 58",
        "qwen2.5-3b-grpo-pv, 3b, plurality_vote, 3e-6, 0.005, 7, 128, 512, 3072, 58",
        "qwen2.5-3b-intuitor-code, code, self_certainty, 1e-6, 0.01, 14, 64, 1024, 2048, 50",
        "qwen2.5-7b-intuitor, 7b, self_certainty, 1e-6, 0.01, 14, 64, 512, 3072, 117",
        "qwen2.5-7b-grpo, 7b, accuracy, 1e-6, 0.01, 14, 64, 512, 3072, 117",
        "qwen2.5-14b-intuitor, 14b, self_certainty, 1e-6, 0.01, 14, 64, 512, 3072, 117",
        "qwen2.5-14b-grpo, 14b, accuracy, 1e-6, 0.01, 14, 64, 512, 3072, 117",
        "llama3.2-3b-instruct-intuitor, llama, self_certainty, 3e-6, 0.005, 7, 128, 512, 3072, 58",
        "llama3.2-3b-instruct-grpo, llama, accuracy, 3e-6, 0.005, 7, 128, 512, 3072, 58"})
    void publishedSettings(String recipe, String kind, String reward, double learningRate, double beta,
                           int numGenerations, int promptsPerStep, int maxPrompt, int maxCompletion, int steps)
            throws IOException {
        boolean code = kind.equals("code");
        Path model = model(code ? "3b" : kind);
        GrpoConfig c = Recipe.read(GrpoConfig.class, RECIPES.resolve(recipe + ".yaml"),
                Map.of("model", model.toString(),
                "data", data(code).toString(), "device", "cuda", "output_dir", folder.resolve("runs").toString()));
        assertEquals(List.of(reward), c.rewardFuncs());
        assertEquals(learningRate, c.learningRate());
        assertEquals(beta, c.beta());
        assertEquals(numGenerations, c.numGenerations());
        assertEquals(promptsPerStep, c.promptsPerStep());
        assertEquals(maxPrompt, c.maxPromptLength());
        assertEquals(maxCompletion, c.maxCompletionLength());
        assertEquals(SYSTEM_PROMPTS.get(kind), c.systemPrompt());
        assertEquals(reward.equals("self_certainty") ? AnswerExtraction.STATED : AnswerExtraction.MATH,
                c.answerExtraction());
        assertCommon(c);

        String plan = TrainPlan.of(c);
        assertTrue(plan.contains(String.format("%nsteps      %d of %d prompts, %d completions each", steps,
                promptsPerStep, numGenerations)), plan);
        assertTrue(plan.contains(code ? "5,625 prompts" : "7,500 prompts"), plan);
        assertTrue(plan.contains(reward + (reward.equals("accuracy") ? " (answers are read)" : " (no answer is read)")),
                plan);
        assertTrue(plan.contains(SYSTEM_PROMPTS.get(kind)), plan);
        for (String stop : kind.equals("llama") ? List.of("<|end_of_text|>", "<|eom_id|>", "<|eot_id|>")
                : List.of("<|endoftext|>", "<|im_end|>")) {
            assertTrue(plan.lines().anyMatch(l -> l.startsWith("ends at") && l.contains(stop)), plan);
        }
        assertFalse(Files.exists(folder.resolve("runs")));
    }

    private static void assertCommon(GrpoConfig c) {
        assertEquals("0.9 50 1.0 0.0", c.temperature() + " " + c.topK() + " " + c.topP() + " " + c.minP());
        assertEquals("0.9 0.999 1.0E-8 0.0 1.0", c.adamBeta1() + " " + c.adamBeta2() + " " + c.adamEpsilon() + " "
                + c.weightDecay() + " " + c.maxGradNorm());
        assertEquals(SchedulerType.COSINE, c.lrSchedulerType());
        assertEquals(0.1, c.warmupRatio());
        assertEquals(0.2, c.epsilon());
        assertEquals(1, c.numIterations());
        assertEquals(LossType.GRPO, c.lossType());
        assertTrue(c.gradientCheckpointing());
        assertEquals(10, c.saveSteps());
        assertEquals(GrpoConfig.CertaintyModel.POLICY, c.certaintyModel());
    }

    /** Every published run has a recipe, and every recipe of one is in the test above. */
    @Test
    void theRecipesOfPublishedRunsAreThoseTested() throws IOException {
        Set<String> names = new TreeSet<>();
        try (Stream<Path> files = Files.list(RECIPES)) {
            files.map(f -> f.getFileName().toString()).filter(n -> n.matches("(qwen|llama).*\\.yaml"))
                    .forEach(names::add);
        }
        assertEquals(12, names.size(), names.toString());
    }
}
