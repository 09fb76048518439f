package intuitor.train;

import intuitor.UserError;
import intuitor.checkpoint.RunFolder;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.model.ModelConfig;
import intuitor.model.ModelMemory;
import intuitor.model.ParameterSet;
import intuitor.optim.LearningRate;
import intuitor.recipe.Recipe;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.IntSummaryStatistics;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a run with certain settings would do: model, data, steps, memory, files. Nothing is written and no weights are
 * needed, only the model's configuration and, to measure prompts, its tokenizer.
 */
public final class TrainPlan {

    private static final double MIB = 1 << 20;
    private static final double GIB = 1 << 30;
    private static final int SHOWN = 600;
    private static final int MOMENTS_BYTES = 8;
    private static final int MASTER_BYTES = 4;

    private final GrpoConfig config;
    private final ModelConfig model;
    /** Null where the model's folder has no tokenizer. */
    private final Prompts prompts;
    private final int promptCount;
    private final StringBuilder text = new StringBuilder();

    /**
     * A device to plan for.
     *
     * @param memoryBytes 0 where it is not in this machine
     * @param absent      why it is not; null where it is
     */
    private record Target(String name, DType dtype, boolean gpu, long memoryBytes, String absent) { }

    private TrainPlan(GrpoConfig settings) {
        this.config = settings.chatTemplateDate() != null ? settings
                : Recipe.with(settings, Map.of("chat_template_date", LocalDate.now().toString()));
        this.model = ModelConfig.read(config.model());
        boolean tokenizer = Files.exists(config.model().resolve("tokenizer.json"));
        this.prompts = tokenizer ? Prompts.read(config) : null;
        this.promptCount = tokenizer ? prompts.encoded().size() : Prompts.unencoded(config).size();
    }

    /**
     * The plan as text, a line an item.
     *
     * @throws UserError for whatever would keep the run from starting, weights excepted
     */
    public static String of(GrpoConfig settings) {
        return new TrainPlan(settings).write();
    }

    private String write() {
        line("model", config.model() + ": " + model.summary());
        line("", String.format(Locale.ROOT, "%,d parameters", ParameterSet.count(model)));
        data();
        line("rewards", String.join(", ", config.rewardFuncs()) + (config.rewards().thatNeedAnswers().isEmpty()
                ? " (no answer is read)" : " (answers are read)"));
        steps();
        memory();
        files();
        return text.toString();
    }

    private void data() {
        if (prompts == null) {
            line("data", String.format(Locale.ROOT, "%s: %,d prompts; not measured, as %s has no tokenizer.json",
                    config.data(), promptCount, config.model()));
            return;
        }
        IntSummaryStatistics lengths = prompts.encoded().stream().mapToInt(p -> p.tokens().length).summaryStatistics();
        line("data", String.format(Locale.ROOT, "%s: %,d prompts of %d to %d tokens, %.0f on average%s", config.data(),
                promptCount, lengths.getMin(), lengths.getMax(), lengths.getAverage(), prompts.leftOut() == 0 ? ""
                        : String.format(Locale.ROOT, "; %,d longer than %d are left out", prompts.leftOut(),
                                config.maxPromptLength())));
        String first = prompts.tokenizer().decode(prompts.encoded().getFirst().tokens(), true).replace("\n", "\\n");
        line("first one", first.length() <= SHOWN ? first : first.substring(0, SHOWN) + "...");
        Stream<String> tokens = prompts.decoding().stopTokens().stream()
                .map(id -> prompts.tokenizer().decode(new int[] {id}, true) + " (" + id + ")");
        Stream<String> texts = config.stopStrings().stream().map(text -> '"' + text.replace("\n", "\\n") + '"');
        line("ends at", Stream.concat(tokens, texts).collect(Collectors.joining(", ")));
        if (config.evalData() != null) {
            HeldOutEvaluation evaluation = prompts.evaluation(config);
            line("evaluation", config.evalData() + ": the first " + evaluation.size() + " problems, "
                    + config.evalSamples() + " sampled answers and a greedy one each"
                    + (config.evalOnStart() ? ", before" : "") + (config.evalOnEnd() ? ", after" : ""));
        }
        if (config.probeData() != null) {
            prompts.probe(config); // refuses what does not fit
            line("probe", config.probeData() + " every " + config.probeSteps() + " steps");
        }
        if (!config.evalTasks().isEmpty()) {
            line("benchmarks", String.join(", ", config.evalTasks()) + " every " + config.evalSteps() + " steps");
        }
    }

    private void steps() {
        int steps = config.totalSteps(promptCount);
        line("steps", String.format(Locale.ROOT, "%,d of %d prompts, %d completions each: %.2f epochs", steps,
                config.promptsPerStep(), config.numGenerations(),
                (double) steps * config.promptsPerStep() / promptCount));
        line("tokens", String.format(Locale.ROOT, "%,d completions a step of at most %,d tokens: up to %,d a step, %,d "
                + "in all", config.completionsPerStep(), config.maxCompletionLength(), config.tokensDrawn(),
                steps * config.tokensDrawn()));
        int updates = steps * config.numIterations();
        LearningRate rate = LearningRate.of(config.lrSchedulerType(), config.learningRate(), config.warmupRatio(),
                updates);
        line("schedule", String.format(Locale.ROOT, "%s, %.3g after %d of %d updates",
                config.lrSchedulerType().name().toLowerCase(Locale.ROOT), rate.peak(), rate.warmupSteps(), updates));
    }

    // ------------------------------------------------------------------------------------------------ memory

    private void memory() {
        Target target = target();
        ModelMemory needs = new ModelMemory(model, target.dtype, target.gpu);
        int longest = prompts == null ? config.maxPromptLength() : prompts.longest();
        StepMemory memory = StepMemory.of(StepMemory.fitted(config, needs, longest,
                target.memoryBytes == 0 ? Long.MAX_VALUE : target.memoryBytes), needs, longest);
        line("memory", "on " + target.name + ", with prompts and completions of the greatest length");
        if (target.absent != null) {
            line("", "(" + target.absent + ")");
            if (config.kvCacheMib() == 0) {
                line("", "on a GPU with less, fewer completions grow at once: kv_cache_mib goes by its memory");
            }
        }
        memory.lasting().forEach((what, bytes) -> part(what, bytes));
        part("to generate: keys and values of " + memory.together() + " completions at once", memory.keysAndValues());
        part("to generate: " + (needs.packedCopy() > 0 ? "packed weights, activations" : "activations"),
                memory.generation());
        part(String.format(Locale.ROOT, "or to train: activations of %,d tokens", memory.trainTokens()),
                memory.training());
        part("at most, as generation and training share theirs", memory.bytes());
        if (target.memoryBytes > 0) {
            part(memory.bytes() <= target.memoryBytes ? "there is" : "TOO MUCH: there is", target.memoryBytes);
        }
        if (target.memoryBytes > 0 && memory.bytes() > target.memoryBytes) {
            line("", memory.lastingBytes() > target.memoryBytes ? "what stays from step to step alone is too much for "
                    + "this machine" : "less: " + StepMemory.less(config));
        }
    }

    private Target target() {
        Optional<String> noGpu = config.device().equals("cuda") ? Device.whyNoGpu() : Optional.empty();
        if (noGpu.isPresent()) {
            config.requireRolloutsOnGpu(config.dtype().onGpu());
            return new Target("cuda", config.dtype().onGpu(), true, 0, noGpu.get());
        }
        try (Device device = Device.open(config.device(), config.threads(), config.cudaLibraries(),
                config.attention(), config.cudaGraphs())) {
            config.requireOf(device, model);
            DType dtype = config.dtype().on(device);
            return new Target(device.info().kind() + " (" + device.info().name() + ")", dtype, device.info().isGpu(),
                    device.memoryBytes(), null);
        }
    }

    private void part(String what, long bytes) {
        line("", String.format(Locale.ROOT, bytes < GIB ? "%-50s %8.1f MiB" : "%-50s %8.2f GiB", what,
                bytes < GIB ? bytes / MIB : bytes / GIB));
    }

    // ------------------------------------------------------------------------------------------------ files

    private void files() {
        int steps = config.totalSteps(promptCount);
        long parameters = ParameterSet.count(model);
        long weights = parameters * switch (config.saveDtype()) {
            case F32 -> DType.F32.bytes();
            case BF16 -> DType.BF16.bytes();
            case F16 -> DType.F16.bytes();
        };
        long state = parameters * (MOMENTS_BYTES + (config.saveDtype() == GrpoConfig.SaveDtype.F32 ? 0 : MASTER_BYTES));
        int checkpoints = config.saveSteps() == 0 ? 0 : steps / config.saveSteps();
        int kept = config.saveTotalLimit() == 0 ? checkpoints : Math.min(checkpoints, config.saveTotalLimit());
        Path folder = RunFolder.planned(config.outputDir(), config.runName());
        line("files", folder + ", where nothing is written now");
        if (checkpoints > 0) {
            part(String.format(Locale.ROOT, "a checkpoint every %d steps, %d kept", config.saveSteps(), kept),
                    kept * (weights + state));
        }
        part("final: the model in " + config.saveDtype().name().toLowerCase(Locale.ROOT), weights);
        List<String> small = new ArrayList<>(List.of("config.yaml", "metrics.jsonl", "summary.json"));
        if (config.logCompletions()) {
            small.add("completions/");
        }
        line("", String.join(", ", small));
    }

    private void line(String label, String what) {
        text.append(String.format("%-11s%s%n", label, what));
    }
}
