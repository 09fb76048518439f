package intuitor.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import intuitor.data.Prompt;
import intuitor.data.PromptSet;
import intuitor.device.Device;
import intuitor.recipe.Recipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BaseModelMakerTest {

    @TempDir
    Path files;

    @Test
    void makesAModelToTrainOn() throws IOException {
        Path base = files.resolve("base");
        List<Pretrainer.Step> steps = make(base, Map.of());
        assertEquals(12, steps.size());
        double first = steps.getFirst().loss();
        double last = steps.getLast().loss();
        assertEquals(Math.log(300), first, 0.3, "a new model knows nothing");
        assertTrue(last < 0.9 * first, first + " -> " + last);

        Set<String> prompts = texts(PromptSet.readPrompts(base.resolve(BaseModelMaker.TRAIN_PROMPTS)));
        Set<String> heldOut = texts(PromptSet.readProblems(base.resolve(BaseModelMaker.HELD_OUT), "a test"));
        assertEquals(30, Files.readAllLines(base.resolve(BaseModelMaker.TRAIN_PROMPTS)).size());
        assertFalse(Files.readString(base.resolve(BaseModelMaker.TRAIN_PROMPTS)).contains("answer"));
        assertEquals(10, Files.readAllLines(base.resolve(BaseModelMaker.HELD_OUT)).size());
        Set<String> common = new HashSet<>(prompts);
        common.retainAll(heldOut);
        assertEquals(Set.of(), common);

        // train takes it as it is
        assertTrue(GrpoRun.start(Recipe.read(GrpoConfig.class, null, Map.of("model", base.toString(),
                "data", base.resolve(BaseModelMaker.TRAIN_PROMPTS).toString(), "output_dir",
                files.resolve("runs").toString(),
                "max_steps", "1", "prompts_per_step", "2", "num_generations", "2", "max_completion_length", "4",
                "device", "cpu", "threads", "1")), GrpoRunTest.quiet(), new StopSignal()).finished());
    }

    @Test
    void theSeedDecidesEveryByte() throws IOException {
        make(files.resolve("a"), Map.of("max_steps", "2"));
        make(files.resolve("b"), Map.of("max_steps", "2"));
        for (Path file : list(files.resolve("a"))) {
            assertArrayEquals(Files.readAllBytes(file),
                    Files.readAllBytes(files.resolve("b").resolve(file.getFileName())), file.toString());
        }
        assertEquals(list(files.resolve("a")).size(), list(files.resolve("b")).size());
    }

    @Test
    void whatIsThereIsNeverReplaced() throws IOException {
        Path folder = Files.createDirectory(files.resolve("mine"));
        Path file = Files.writeString(folder.resolve("thesis.txt"), "years of work");
        for (Path output : List.of(folder, file)) {
            String message = assertThrows(UserError.class, () -> make(output, Map.of())).getMessage();
            assertEquals(output + " exists; choose another --output, or remove it", message);
        }
        assertEquals("years of work", Files.readString(file));
        make(Files.createDirectory(files.resolve("empty")), Map.of("max_steps", "1"));
        assertTrue(Files.exists(files.resolve("empty/model.safetensors")));
    }

    @Test
    void aStorageTypeThatTheDeviceLacksWritesNothing() throws IOException {
        String message = assertThrows(UserError.class,
                () -> make(files.resolve("bad"), Map.of("dtype", "bfloat16"))).getMessage();
        assertTrue(message.startsWith("dtype: bfloat16 needs a GPU"), message);
        assertEquals(List.of(), list(files));
    }

    @Test
    void aDivergedTrainingWritesNothing() throws IOException {
        String message = assertThrows(UserError.class,
                () -> make(files.resolve("bad"), Map.of("initializer_range", "1e30"))).getMessage();
        assertTrue(message.startsWith("step 1: the gradient is not finite"), message);
        assertEquals(List.of(), list(files));
    }

    private static List<Pretrainer.Step> make(Path output, Map<String, String> settings) {
        Map<String, String> all = new TreeMap<>(Map.ofEntries(Map.entry("output", output.toString()),
                Map.entry("vocab_size", "300"), Map.entry("hidden_size", "32"), Map.entry("intermediate_size", "48"),
                Map.entry("num_hidden_layers", "1"), Map.entry("num_attention_heads", "2"),
                Map.entry("num_key_value_heads", "1"),
                Map.entry("tokenizer_documents", "200"), Map.entry("train_prompts", "30"),
                Map.entry("held_out_problems", "10"),
                Map.entry("max_steps", "12"), Map.entry("tokens_per_step", "1024"),
                Map.entry("micro_batch_tokens", "512"),
                Map.entry("learning_rate", "1e-2"), Map.entry("device", "cpu"), Map.entry("threads", "1")));
        all.putAll(settings);
        List<Pretrainer.Step> steps = new ArrayList<>();
        PretrainConfig config = Recipe.read(PretrainConfig.class, null, all);
        try (Device device = Device.open(config.device(), config.threads())) {
            new BaseModelMaker(config).make(device, steps::add);
        }
        return steps;
    }

    private static Set<String> texts(List<Prompt> prompts) {
        return prompts.stream().map(Prompt::text).collect(Collectors.toSet());
    }

    private static List<Path> list(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.sorted().toList();
        }
    }
}
