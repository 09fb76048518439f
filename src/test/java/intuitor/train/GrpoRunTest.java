package intuitor.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import intuitor.checkpoint.ModelFolder;
import intuitor.checkpoint.SafetensorsFile;
import intuitor.checkpoint.SafetensorsType;
import intuitor.device.Device;
import intuitor.device.StorageType;
import intuitor.device.TestDevices;
import intuitor.model.ModelConfig;
import intuitor.model.ParameterSet;
import intuitor.recipe.Recipe;
import intuitor.report.ProgressLine;
import intuitor.reward.Reward;
import intuitor.reward.RewardContext;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class GrpoRunTest {

    private static final int STEPS = 8;
    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    static Path files;

    private static Path base;
    private static Path data;

    @BeforeAll
    static void makeBaseModel() throws IOException {
        base = TinyBase.write(files.resolve("base"));
        data = TinyBase.prompts(files.resolve("prompts.jsonl"), 10);
    }

    @Test
    void aRunLeavesWhatItSaysItDoes() throws IOException {
        RunResult result = GrpoRun.start(config("full", Map.of("eval_data", data.toString(), "eval_prompts", "5",
                "eval_samples", "2")), quiet(), new StopSignal());
        Path run = files.resolve("runs/full");
        assertEquals(run, result.folder());
        assertTrue(result.finished());
        assertEquals(STEPS, result.step());
        assertEquals(List.of(".lock", "checkpoint-6", "checkpoint-8", "completions", "config.yaml",
                "evaluation-before.json", "final", "metrics.jsonl", "origin.json", "summary.json"), names(run));
        assertEquals(List.of("config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
                "tokenizer_config.json"), names(run.resolve("final")));
        assertEquals(List.of("step-000001.jsonl", "step-000005.jsonl", "step-000008.jsonl"),
                names(run.resolve("completions")));
        assertEquals(12, Files.readAllLines(run.resolve("completions/step-000005.jsonl")).size());
        List<String> metrics = Files.readAllLines(run.resolve("metrics.jsonl"));
        assertEquals(STEPS, metrics.size());
        JsonNode last = JSON.readTree(metrics.getLast());
        for (String name : List.of("num_tokens", "step_time", "completions/mean_length", "completions/min_length",
                "completions/max_length", "completions/clipped_ratio", "reward", "reward_std",
                "rewards/self_certainty/mean",
                "rewards/self_certainty/std", "frac_reward_zero_std", "entropy", "kl", "clip_ratio/low_mean",
                "clip_ratio/high_mean", "loss", "grad_norm", "learning_rate", "epoch",
                "sampling/sampling_logp_difference/mean", "sampling/sampling_logp_difference/max",
                "self_certainty/mean", "self_certainty/std", "self_certainty/min", "self_certainty/max")) {
            assertTrue(last.path(name).isNumber(), name);
        }
        JsonNode summary = JSON.readTree(Files.readString(run.resolve("summary.json")));
        assertEquals(10, summary.path("after").path("sampled").path("of").asInt());
        assertTrue(result.table().contains("sampled (10)"), result.table());
        // the settings say all that another run needs to be the same
        GrpoConfig again = Recipe.read(GrpoConfig.class, run.resolve("config.yaml"), Map.of("run_name", "again"));
        GrpoRun.start(again, quiet(), new StopSignal());
        assertSameOutcome(run, files.resolve("runs/again"));
        assertEquals("finished", assertThrows(UserError.class, () -> resume("full")).getMessage()
                .replaceAll(".* is (\\w+):.*", "$1"));
        assertThrows(UserError.class, () -> start("full", Map.of()));
    }

    /** A reward that has nothing to judge any completion by. */
    public static final class Undecided implements Reward {

        @Override
        public double[] score(RewardContext context) {
            double[] none = new double[context.completions().size()];
            Arrays.fill(none, Double.NaN);
            return none;
        }
    }

    @Test
    void aRewardThatJudgesNothingIsToldOfOnce() throws IOException {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        ProgressLine progress = new ProgressLine(new PrintStream(said, true, StandardCharsets.UTF_8), false, 120);
        GrpoRun.start(config("undecided", Map.of("reward_funcs", "self_certainty," + Undecided.class.getName(),
                "max_steps", "2")), progress, new StopSignal());
        assertEquals(List.of("warning: step 1: reward GrpoRunTest$Undecided judged none of the 12 completions; "
                + "where it is the only reward, nothing is learned from them"),
                said.toString(StandardCharsets.UTF_8).lines()
                .filter(line -> line.startsWith("warning")).toList());
    }

    /**
     * The sampler is then not quite the policy, and the metrics say by how much. The probe asks the policy, and a run
     * that is resumed ends with the same bits.
     */
    @Test
    void completionsMayBeDrawnWithMatricesInBf16() throws IOException {
        Map<String, String> exact = Map.of("device", "cpu", "probe_data", data.toString(), "probe_steps", "3",
                "probe_prompts", "4", "probe_samples", "4");
        Map<String, String> settings = new HashMap<>(exact);
        settings.put("rollout_dtype", "bfloat16");
        try (Device device = Device.open("cpu", 1)) {
            if (!device.blas().packsInBf16()) {
                assertMessage("rollout_dtype: this CPU does not multiply bfloat16", () -> start("rounded", settings));
                return;
            }
        }
        start("rounded", settings);
        StopSignal stop = new StopSignal();
        GrpoRun.start(config("rounded-stopped", settings), stopAt(3, stop), stop);
        resume("rounded-stopped");
        assertSameOutcome(files.resolve("runs/rounded"), files.resolve("runs/rounded-stopped"));
        start("exact", exact);
        assertEquals(firstProbe("exact"), firstProbe("rounded"));
        assertTrue(greatest("rounded", "sampling/sampling_logp_difference/max") > 1e-5);
        assertTrue(greatest("rounded", "sampling/importance_sampling_ratio/max") > 1);
        assertTrue(greatest("rounded", "sampling/importance_sampling_ratio/max") < 1.2);
        assertEquals(1, greatest("exact", "sampling/importance_sampling_ratio/max"));
    }

    @Test
    void benchmarksAreRunWhileItTrains() throws IOException {
        Map<String, String> settings = Map.of("eval_steps", "3", "eval_tasks", "gsm8k,mmlu_pro", "eval_tasks_data",
                "src/test/resources/intuitor/eval/data", "eval_tasks_limit", "2");
        start("benchmarks", settings);
        Path run = files.resolve("runs/benchmarks");
        List<String> evaluated = List.of("step-000000.json", "step-000003.json", "step-000006.json",
                "step-000008.json");
        assertEquals(evaluated, names(run.resolve("evaluations")));
        JsonNode last = JSON.readTree(Files.readString(run.resolve("evaluations/step-000008.json")));
        assertEquals(8, last.path("step").asInt());
        assertEquals(2, last.path("gsm8k").path("problems").asInt());
        assertTrue(last.path("mmlu_pro").path("accuracy").isNumber());
        // the evaluations change nothing, and a run that was stopped has the same
        start("unevaluated", Map.of());
        assertSameOutcome(files.resolve("runs/unevaluated"), run);
        StopSignal stop = new StopSignal();
        Map<String, String> again = new TreeMap<>(settings);
        GrpoRun.start(config("benchmarks-stopped", again), stopAt(6, stop), stop);
        resume("benchmarks-stopped");
        assertSameOutcome(run, files.resolve("runs/benchmarks-stopped"));
        for (String name : evaluated) {
            assertEquals(Files.readString(run.resolve("evaluations").resolve(name)),
                    Files.readString(files.resolve("runs/benchmarks-stopped/evaluations").resolve(name)));
        }
    }

    /** Columns and rows chosen from a folder of CSV files; it must be the same folder when the run goes on. */
    @Test
    void aFolderOfFilesIsADataSet() throws IOException {
        Path folder = Files.createDirectories(files.resolve("csv"));
        Files.writeString(folder.resolve("train-0.csv"), "asked,gold,kind\n1 + 1 =,2,sum\n2 * 2 =,4,product\n");
        Files.writeString(folder.resolve("train-1.csv"), "asked,gold,kind\n1 + 2 =,3,sum\n2 + 2 =,4,sum\n");
        Files.writeString(folder.resolve("test.csv"), "asked,gold,kind\n9 + 9 =,18,sum\n");
        Map<String, String> settings = Map.of("data", folder.toString(), "prompt_column", "asked", "answer_column",
                "gold", "data_filter", "kind=sum", "reward_funcs", "accuracy", "prompts_per_step", "3", "eval_data",
                data.toString(), "eval_prompts", "2");
        StopSignal stop = new StopSignal();
        GrpoRun.start(config("csv", settings), stopAt(2, stop), stop);
        Set<String> asked = new TreeSet<>();
        for (String line : Files.readAllLines(files.resolve("runs/csv/completions/step-000001.jsonl"))) {
            asked.add(JSON.readTree(line).path("prompt").stringValue());
        }
        assertEquals(Set.of("1 + 1 =", "1 + 2 =", "2 + 2 ="), asked);
        resume("csv");
        GrpoRun.start(config("csv-changed", settings), stopAt(2, stop), stop);
        Files.writeString(folder.resolve("train-1.csv"), "asked,gold,kind\n1 + 2 =,4,sum\n");
        assertMessage("csv have changed since this run started", () -> resume("csv-changed"));
    }

    /** Stopped between two checkpoints and at one; computed and stored in 32 and in 16 bits. */
    @ParameterizedTest
    @CsvSource({"cpu, float32, f32", "cpu, float32, bf16", "emu, bfloat16, f32", "emu, bfloat16, bf16",
            "cuda, bfloat16, f32", "cuda, bfloat16, bf16"})
    void aStoppedRunResumesToTheSameBits(String device, String dtype, String saveDtype) throws IOException {
        TestDevices.require(device);
        // little to do: an emulated device is slow
        Map<String, String> settings = Map.of("device", device, "dtype", dtype, "save_dtype", saveDtype,
                "prompts_per_step", "2", "num_generations", "2", "max_completion_length", "6");
        String suffix = String.join("-", device, dtype, saveDtype);
        start("straight-" + suffix, settings);
        Path run = files.resolve("runs/stopped-" + suffix);
        StopSignal stop = new StopSignal();
        RunResult stopped = GrpoRun.start(config("stopped-" + suffix, settings), stopAt(3, stop), stop);
        assertEquals(RunResult.End.STOPPED, stopped.end());
        assertEquals(3, stopped.step());
        assertCheckpoint(run.resolve("checkpoint-3"), saveDtype);
        StopSignal again = new StopSignal();
        assertEquals(6, GrpoRun.resume(run, stopAt(6, again), again).step());
        assertTrue(resume("stopped-" + suffix).finished());
        assertSameOutcome(files.resolve("runs/straight-" + suffix), run);
    }

    /**
     * All that a step may leave to later ones: several updates a step, and a reference that has moved; on the emulated
     * device, scored and drawn by the fused LM head.
     */
    @ParameterizedTest
    @CsvSource({"cpu, float32, f32, tiled", "emu, bfloat16, bf16, fused", "cuda, bfloat16, f32, tiled"})
    void aStoppedRunResumesToTheSameBitsWithAllOptions(String device, String dtype, String saveDtype, String lmHead)
            throws IOException {
        TestDevices.require(device);
        Map<String, String> settings = Map.ofEntries(Map.entry("device", device), Map.entry("dtype", dtype),
                Map.entry("save_dtype", saveDtype), Map.entry("prompts_per_step", "2"),
                Map.entry("num_generations", "2"), Map.entry("max_completion_length", "6"),
                Map.entry("num_iterations", "2"), Map.entry("delta", "4"), Map.entry("epsilon_high", "0.28"),
                Map.entry("importance_sampling_level", "sequence"), Map.entry("mask_truncated_completions", "true"),
                Map.entry("top_entropy_quantile", "0.5"), Map.entry("sync_ref_model", "true"),
                Map.entry("ref_model_sync_steps", "2"), Map.entry("lm_head", lmHead),
                Map.entry("batch_invariant", String.valueOf(lmHead.equals("tiled"))));
        start("options-" + device, settings);
        StopSignal stop = new StopSignal();
        Path run = files.resolve("runs/options-stopped-" + device);
        assertEquals(3, GrpoRun.start(config("options-stopped-" + device, settings), stopAt(3, stop), stop).step());
        try (SafetensorsFile state = SafetensorsFile.open(run.resolve("checkpoint-3/optimizer.safetensors"))) {
            assertTrue(state.tensors().keySet().stream().anyMatch(name -> name.startsWith("reference.")));
        }
        assertTrue(resume("options-stopped-" + device).finished());
        assertSameOutcome(files.resolve("runs/options-" + device), run);
    }

    /**
     * The model in the type asked for; beside it, in fp32, the moments, and the weights if the model has less of them.
     */
    private static void assertCheckpoint(Path checkpoint, String saveDtype) throws IOException {
        SafetensorsType type = SafetensorsType.valueOf(saveDtype.toUpperCase(Locale.ROOT));
        assertEquals(saveDtype.equals("f32") ? "float32" : "bfloat16",
                JSON.readTree(checkpoint.resolve("config.json").toFile()).path("torch_dtype").asString());
        int parameters = ParameterSet.specs(ModelConfig.read(checkpoint)).size();
        try (ModelFolder model = ModelFolder.open(checkpoint);
                SafetensorsFile state = SafetensorsFile.open(checkpoint.resolve("optimizer.safetensors"))) {
            assertTrue(model.tensors().values().stream().allMatch(t -> t.type() == type));
            assertTrue(state.tensors().values().stream().allMatch(t -> t.type() == SafetensorsType.F32));
            Map<String, Long> kinds = state.tensors().keySet().stream()
                    .collect(Collectors.groupingBy(name -> name.substring(0, name.indexOf('.')),
                    Collectors.counting()));
            Map<String, Long> expected =
                    new HashMap<>(Map.of("exp_avg", (long) parameters, "exp_avg_sq", (long) parameters));
            if (type != SafetensorsType.F32) {
                expected.put("parameter", (long) parameters);
            }
            assertEquals(expected, kinds);
        }
    }

    /** Rewards that read texts and answers and toss coins are functions of seed and step, too. */
    @Test
    void aRunWithManyRewardsResumesToTheSameBits() throws IOException {
        Map<String, String> settings = Map.of("reward_funcs", "self_certainty,accuracy,plurality_vote,entropy,"
                + "token_entropy,sequence_logprob,mean_logprob,semantic_entropy,format,length,repetition_penalty,"
                + "random", "reward_weights", "1,2,1,1,0.5,0.5,1,1,1,1,1,0.1", "answer_extraction", "last_number");
        start("rewards", settings);
        StopSignal stop = new StopSignal();
        GrpoRun.start(config("rewards-stopped", settings), stopAt(3, stop), stop);
        resume("rewards-stopped");
        Path run = files.resolve("runs/rewards");
        assertSameOutcome(run, files.resolve("runs/rewards-stopped"));
        JsonNode last = JSON.readTree(Files.readAllLines(run.resolve("metrics.jsonl")).getLast());
        assertEquals(last.path("self_certainty/mean").asDouble(), last.path("rewards/self_certainty/mean").asDouble());
        assertTrue(last.path("rewards/entropy/mean").asDouble() < 0);
        JsonNode completion = JSON.readTree(
                Files.readAllLines(run.resolve("completions/step-000001.jsonl")).getFirst());
        assertEquals(12, completion.path("rewards").size());
        assertTrue(completion.path("rewards").path("random").asDouble() % 1 == 0);
    }

    /** Whether a completion's text has a 1 or a + in it. */
    public static final class OneOrPlus implements Reward {

        @Override
        public double[] score(RewardContext context) {
            return context.texts().stream().mapToDouble(t -> t.matches("(?s).*[1+].*") ? 1 : 0).toArray();
        }
    }

    /**
     * The text ends the completion with the token that completes it, whatever else that token says. Rewards read the
     * text up to there, the log has what was drawn.
     */
    @Test
    void aTextEndsCompletions() throws IOException {
        String rewards = "self_certainty," + OneOrPlus.class.getName();
        start("endless", Map.of("reward_funcs", rewards));
        start("ended", Map.of("reward_funcs", rewards, "stop_strings", "1,+", "repetition_penalty", "1.3"));
        assertTrue(greatest("endless", "rewards/GrpoRunTest$OneOrPlus/mean") > 0);
        assertEquals(0, greatest("ended", "rewards/GrpoRunTest$OneOrPlus/mean"));
        assertTrue(completions("endless").stream().anyMatch(c -> endsBeforeItsEnd(c.path("completion").asString())));
        for (JsonNode completion : completions("ended")) {
            String text = completion.path("completion").asString();
            assertFalse(endsBeforeItsEnd(text), text);
            assertTrue(!text.matches("(?s).*[1+].*") || completion.path("stopped").asBoolean(), text);
        }
    }

    /** Tokens of this model have at most this many letters after a stop string in them. */
    private static boolean endsBeforeItsEnd(String text) {
        return text.matches("(?s).*[1+].{8,}");
    }

    /** What the probe found before training. */
    private String firstProbe(String run) throws IOException {
        JsonNode first = JSON.readTree(
                Files.readAllLines(files.resolve("runs").resolve(run).resolve("metrics.jsonl")).getFirst());
        assertTrue(first.path("monitor/probe/calibration_error").isNumber(), first.toString());
        return first.propertyStream().filter(p -> p.getKey().startsWith("monitor/probe/")).map(Object::toString)
                .collect(Collectors.joining(" "));
    }

    /** Of all steps. */
    private double greatest(String run, String name) throws IOException {
        return Files.readAllLines(files.resolve("runs").resolve(run).resolve("metrics.jsonl")).stream()
                .mapToDouble(line -> JSON.readTree(line).path(name).asDouble()).max().orElseThrow();
    }

    private List<JsonNode> completions(String run) throws IOException {
        return Files.readAllLines(files.resolve("runs").resolve(run).resolve("completions/step-000005.jsonl")).stream()
                .map(JSON::readTree).toList();
    }

    /** Answers are read for rewards that need them: training on data without any is refused only then. */
    @Test
    void accuracyNeedsAnswers() throws IOException {
        Path unanswered = Files.writeString(files.resolve("unanswered.jsonl"), "{\"prompt\": \"1 + 1 =\"}\n");
        assertMessage("in this row, and the reward accuracy needs one",
                () -> start("answerless", Map.of("data", unanswered.toString(), "reward_funcs", "random,accuracy")));
        assertTrue(start("answerless", Map.of("data", unanswered.toString(), "reward_funcs", "random,plurality_vote"))
                .finished());
    }

    /** On a machine with other memory, a run that goes on must compute the same. */
    @Test
    void whatTheMemoryDecidedStaysDecided() throws IOException {
        start("sized", Map.of("micro_batch_tokens", "0", "max_steps", "1"));
        assertTrue(Files.readString(files.resolve("runs/sized/config.yaml")).contains("micro_batch_tokens: 16384\n"));
    }

    @Test
    void aModelThatCannotFitIsRefusedBeforeItIsRead() throws IOException {
        Path wide = TinyBase.write(files.resolve("wide"));
        Path json = wide.resolve("config.json");
        Files.writeString(json, Files.readString(json).replaceAll("(?<key>\"intermediate_size\"\\s*:\\s*)\\d+",
                "${key}2000000000"));
        assertMessage(" GiB from step to step, and ", () -> start("wide", Map.of("model", wide.toString())));
        assertFalse(Files.exists(files.resolve("runs/wide")));
    }

    @Test
    void aRunStoppedBeforeItsFirstStepStartsAgain() throws IOException {
        start("straight", Map.of());
        StopSignal stop = new StopSignal();
        stop.request();
        assertEquals(0, GrpoRun.start(config("early", Map.of()), quiet(), stop).step());
        assertTrue(resume("early").finished());
        assertSameOutcome(files.resolve("runs/straight"), files.resolve("runs/early"));
    }

    /** Killed whenever a file is half written, again and again, until one attempt comes through. */
    @Test
    void aKilledRunResumesToTheSameBits() throws IOException, InterruptedException {
        start("unharmed", Map.of("save_steps", "1"));
        Path run = files.resolve("runs/killed");
        int kills = 0;
        while (!Files.exists(run.resolve("summary.json"))) {
            Process child = child(run);
            if (kills < 5 && killedWhileWriting(child, run)) {
                kills++;
            }
            child.waitFor();
        }
        assertEquals(5, kills);
        assertSameOutcome(files.resolve("runs/unharmed"), run);
    }

    @Test
    void whatARunStartedFromMustStillBeThere() throws IOException {
        Path other = TinyBase.write(files.resolve("other"));
        StopSignal stop = new StopSignal();
        GrpoRun.start(config("origin", Map.of("model", other.toString())), stopAt(2, stop), stop);
        Path weights = other.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        bytes[bytes.length - 1] ^= 1;
        Files.write(weights, bytes);
        assertMessage("model.safetensors has changed since this run started", () -> resume("origin"));
        Files.move(other, files.resolve("moved"));
        assertMessage("is gone", () -> resume("origin"));
    }

    @Test
    void aRunKeepsItsThreadsAndSaysWhereItsKernelsChanged() throws IOException {
        StopSignal stop = new StopSignal();
        stop.request();
        GrpoRun.start(config("kernels", Map.of("device", "auto", "threads", "0")), quiet(), stop);
        Path run = files.resolve("runs/kernels");
        GrpoConfig settled = Recipe.read(GrpoConfig.class, run.resolve("config.yaml"), Map.of());
        assertFalse(settled.device().equals("auto"));
        assertEquals(settled.device().equals("cpu") ? StorageType.FLOAT32 : StorageType.BFLOAT16, settled.dtype());
        assertTrue(settled.threads() > 0 || !settled.device().equals("cpu"));
        ObjectNode origin = (ObjectNode) JSON.readTree(Files.readString(run.resolve("origin.json")));
        Files.writeString(run.resolve("origin.json"), JSON.writeValueAsString(origin.put("isa", "abacus")));
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        GrpoRun.resume(run, new ProgressLine(new PrintStream(said, true, StandardCharsets.UTF_8), false, 120), stop);
        assertTrue(said.toString(StandardCharsets.UTF_8).contains("was abacus): the result is not bit-identical"),
                said.toString());
    }

    @Test
    void settingsThatDoNotFitTheModelAreRefusedBeforeAnythingIsWritten() throws IOException {
        assertMessage("max_completion_length: 100 after", () -> start("bad", Map.of("max_completion_length", "100")));
        assertMessage("no prompt has at most max_prompt_length", () -> start("bad", Map.of("max_prompt_length", "1")));
        assertMessage("has no token '<|im_end|>'", () -> start("bad", Map.of("stop_tokens", "<|im_end|>")));
        assertMessage("has no chat template", () -> start("bad", Map.of("system_prompt", "Be brief.")));
        assertMessage("dtype: bfloat16 needs a GPU", () -> start("bad", Map.of("dtype", "bfloat16")));
        assertMessage("no such model folder", () -> start("bad", Map.of("model", "nope")));
        assertMessage("no such file", () -> start("bad", Map.of("data", "nope")));
        Path problems = Files.writeString(files.resolve("long.jsonl"),
                "{\"prompt\": \"1 + 1 =\", \"answer\": 2}\n{\"prompt\": \"" + "1 + ".repeat(40)
                + "1 =\", \"answer\": 41}\n");
        assertMessage("long.jsonl: prompt 2 has", () -> start("bad", Map.of("eval_data", problems.toString())));
        assertFalse(Files.exists(files.resolve("runs/bad")));
    }

    /** For {@link #child}: starts the run, or resumes it. */
    public static void main(String[] args) {
        Path run = Path.of(args[0]);
        if (Files.exists(run.resolve("config.yaml"))) {
            GrpoRun.resume(run, quiet(), new StopSignal());
        } else {
            GrpoConfig config = Recipe.read(GrpoConfig.class, Path.of(args[1]), Map.of());
            GrpoRun.start(config, quiet(), new StopSignal());
        }
    }

    private Process child(Path run) throws IOException {
        Path recipe = Files.writeString(files.resolve("killed.yaml"),
                Recipe.write(config("killed", Map.of("save_steps", "1"))));
        List<String> command = new ArrayList<>(List.of(ProcessHandle.current().info().command().orElseThrow(),
                "--enable-native-access=ALL-UNNAMED", "-XX:TieredStopAtLevel=1", "-cp",
                System.getProperty("java.class.path"), GrpoRunTest.class.getName(), run.toString(), recipe.toString()));
        return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(files.resolve("child.log").toFile())
                .start();
    }

    private static boolean killedWhileWriting(Process child, Path run) {
        while (child.isAlive()) {
            if (paths(run).stream().anyMatch(p -> p.getFileName().toString().startsWith("checkpoint-")
                    && p.getFileName().toString().contains(".tmp-"))) {
                child.destroyForcibly();
                return true;
            }
        }
        return false;
    }

    private void assertSameOutcome(Path expected, Path actual) throws IOException {
        assertArrayEquals(Files.readAllBytes(expected.resolve("final/model.safetensors")),
                Files.readAllBytes(actual.resolve("final/model.safetensors")));
        assertEquals(untimed(expected), untimed(actual));
        assertEquals(names(expected.resolve("completions")), names(actual.resolve("completions")));
        for (Path file : paths(expected.resolve("completions"))) {
            assertEquals(Files.readString(file),
                    Files.readString(actual.resolve("completions").resolve(file.getFileName())));
        }
        assertTrue(names(actual).stream().noneMatch(n -> n.contains(".tmp-")));
    }

    /** The metrics of a run without its times. */
    private static List<Map<String, JsonNode>> untimed(Path run) throws IOException {
        List<Map<String, JsonNode>> lines = new ArrayList<>();
        for (String line : Files.readAllLines(run.resolve("metrics.jsonl"))) {
            Map<String, JsonNode> metrics = new TreeMap<>();
            ((ObjectNode) JSON.readTree(line)).properties().stream()
                    .filter(e -> !e.getKey().contains("time") && !e.getKey().equals("tokens_per_second"))
                    .forEach(e -> metrics.put(e.getKey(), e.getValue()));
            lines.add(metrics);
        }
        return lines;
    }

    private RunResult start(String name, Map<String, String> settings) {
        return GrpoRun.start(config(name, settings), quiet(), new StopSignal());
    }

    private RunResult resume(String name) {
        return GrpoRun.resume(files.resolve("runs").resolve(name), quiet(), new StopSignal());
    }

    private GrpoConfig config(String name, Map<String, String> settings) {
        Map<String, String> all = new TreeMap<>(Map.ofEntries(Map.entry("model", base.toString()),
                Map.entry("data", data.toString()), Map.entry("output_dir", files.resolve("runs").toString()),
                Map.entry("run_name", name), Map.entry("max_steps", "" + STEPS), Map.entry("prompts_per_step", "3"),
                Map.entry("num_generations", "4"), Map.entry("max_completion_length", "10"),
                Map.entry("learning_rate", "1e-3"), Map.entry("save_steps", "2"), Map.entry("logging_steps", "5"),
                Map.entry("threads", "1"), Map.entry("device", "cpu"), Map.entry("weight_decay", "0.01")));
        all.putAll(settings);
        return Recipe.read(GrpoConfig.class, null, all);
    }

    static ProgressLine quiet() {
        return new ProgressLine(new PrintStream(OutputStream.nullOutputStream()), false, 120);
    }

    /** Requests a stop as soon as the progress line tells of a step. */
    private static ProgressLine stopAt(int step, StopSignal stop) {
        ByteArrayOutputStream seen = new ByteArrayOutputStream();
        return new ProgressLine(new PrintStream(seen, true, StandardCharsets.UTF_8) {
            @Override
            public void flush() {
                super.flush();
                if (seen.toString(StandardCharsets.UTF_8).contains("step " + step + "/")) {
                    stop.request();
                }
            }
        }, true, 120);
    }

    private static void assertMessage(String part, Runnable call) {
        String message = assertThrows(UserError.class, call::run).getMessage();
        assertTrue(message.contains(part), message);
    }

    private static List<String> names(Path folder) {
        return paths(folder).stream().map(p -> p.getFileName().toString()).sorted().toList();
    }

    private static List<Path> paths(Path folder) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
