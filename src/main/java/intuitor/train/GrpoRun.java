package intuitor.train;

import intuitor.UserError;
import intuitor.checkpoint.AtomicFiles;
import intuitor.checkpoint.ModelFolder;
import intuitor.checkpoint.RunFolder;
import intuitor.checkpoint.RunOrigin;
import intuitor.checkpoint.TrainingState;
import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.StorageType;
import intuitor.model.ModelConfig;
import intuitor.model.ModelMemory;
import intuitor.model.ParameterSet;
import intuitor.model.TrainingWeights;
import intuitor.monitor.Alarm;
import intuitor.recipe.Recipe;
import intuitor.report.Bytes;
import intuitor.report.Durations;
import intuitor.report.MetricsLog;
import intuitor.report.ProgressLine;
import intuitor.rollout.StopRequested;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * The life of a training run: its folder, its checkpoints, a stop and the way back, the evaluations around it. What a
 * step does is {@link GrpoTrainer}'s.
 *
 * <p>A run that was stopped or killed and then resumed ends with the same bits as one that never was: the checkpoint
 * holds the policy and the optimiser's moments in full, everything random is a function of the seed and the step, and
 * whatever a lost step had written is cut off.
 */
public final class GrpoRun implements AutoCloseable {

    private static final JsonMapper JSON = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private final GrpoConfig config;
    private final ProgressLine progress;
    private final StopSignal stop;

    private final Device device;
    private final Path base;
    private final Prompts prompts;
    private final int totalSteps;
    private final StepMemory memory;
    private final TrainingWeights policy;
    private final GrpoTrainer trainer;
    private final HeldOutEvaluation evaluation;
    private final TaskEvaluation taskEvaluation;
    private final RunMonitor monitor;
    private final Set<String> silentRewards = new HashSet<>();

    private boolean stoppedByMonitor;
    private double seconds;

    /** Starts a run in a new folder; returns when it is finished or stopped. */
    public static RunResult start(GrpoConfig settings, ProgressLine progress, StopSignal stop) {
        RunFolder.planned(settings.outputDir(), settings.runName()); // refuses one that is there, before all else
        try (Device device = open(settings);
                GrpoRun run = new GrpoRun(settled(settings, device), device, progress, stop)) {
            GrpoConfig config = run.config;
            RunOrigin origin = RunOrigin.of(config.model(), config.data(), config.evalData(), config.probeData(),
                    device.info().arithmetic());
            try (RunFolder folder = RunFolder.create(config.outputDir(), config.runName())) {
                origin.write(folder.path());
                // last: with it the folder is one that can be resumed
                AtomicFiles.writeString(folder.config(), Recipe.write(
                        Recipe.with(config, Map.of("run_name", folder.path().getFileName().toString()))));
                return run.run(folder);
            }
        }
    }

    /** Goes on with a run from its newest checkpoint, or from its beginning if it has none. */
    public static RunResult resume(Path path, ProgressLine progress, StopSignal stop) {
        try (RunFolder folder = RunFolder.open(path)) {
            if (Files.exists(folder.summary())) {
                throw new UserError(path + " is finished: there is nothing to resume");
            }
            GrpoConfig config = Recipe.read(GrpoConfig.class, folder.config(), Map.of());
            RunOrigin origin = RunOrigin.read(path);
            origin.requireModel();
            origin.requireData();
            try (Device device = open(config);
                    GrpoRun run = new GrpoRun(config, device, progress, stop)) {
                String arithmetic = device.info().arithmetic();
                if (!arithmetic.equals(origin.isa())) {
                    progress.message("resumed with other kernels (" + arithmetic + ", was " + origin.isa()
                            + "): the result is not bit-identical");
                }
                return run.run(folder);
            }
        }
    }

    private static Device open(GrpoConfig config) {
        return Device.open(config.device(), config.threads(), config.cudaLibraries(), config.attention(),
                config.cudaGraphs());
    }

    /** What must not depend on where and when the run is resumed is settled when it starts. */
    private static GrpoConfig settled(GrpoConfig config, Device device) {
        Map<String, String> changes = new HashMap<>();
        changes.put("model", config.model().toAbsolutePath().normalize().toString());
        changes.put("data", config.data().toAbsolutePath().normalize().toString());
        if (config.evalData() != null) {
            changes.put("eval_data", config.evalData().toAbsolutePath().normalize().toString());
        }
        if (config.probeData() != null) {
            changes.put("probe_data", config.probeData().toAbsolutePath().normalize().toString());
        }
        if (config.evalTasksData() != null) {
            changes.put("eval_tasks_data", config.evalTasksData().toAbsolutePath().normalize().toString());
        }
        if (config.cudaLibraries() != null) {
            changes.put("cuda_libraries", config.cudaLibraries().toAbsolutePath().normalize().toString());
        }
        if (config.device().equals("auto")) {
            changes.put("device", device.info().kind());
        }
        changes.put("dtype", StorageType.of(config.dtype().on(device)).toString());
        if (!device.info().isGpu()) {
            changes.put("threads", "" + device.info().threads());
        }
        if (config.chatTemplateDate() == null) {
            changes.put("chat_template_date", LocalDate.now().toString());
        }
        return Recipe.with(config, changes);
    }

    private GrpoRun(GrpoConfig settings, Device device, ProgressLine progress, StopSignal stop) {
        this.device = device;
        this.progress = progress;
        this.stop = stop;
        this.base = settings.model();
        DType dtype = settings.dtype().on(device);
        Arena parameters = device.arena("parameters");
        // whatever does not fit is said before the weights are read
        try (ModelFolder files = ModelFolder.open(base)) {
            ModelConfig model = ModelConfig.read(base);
            settings.requireOf(device, model);
            this.prompts = Prompts.read(settings);
            ModelMemory needs = new ModelMemory(model, dtype, device.info().isGpu());
            this.config = StepMemory.fitted(settings, needs, prompts.longest(), device.memoryBytes());
            this.memory = StepMemory.of(config, needs, prompts.longest());
            this.totalSteps = config.totalSteps(prompts.encoded().size());
            requireMemory();
            introduce(model);
            this.evaluation = config.evalData() == null ? null : prompts.evaluation(config);
            this.policy = new TrainingWeights(parameters, model, dtype, "policy");
            policy.load(files);
        }
        ParameterSet reference = null;
        if (config.needsReference()) {
            reference = new ParameterSet(parameters, policy.config(), dtype, "reference");
            reference.copyFrom(policy.working());
        }
        this.trainer = new GrpoTrainer(device, config, policy, reference,
                new PromptStream<>(prompts.encoded(), config.shuffleDataset(), config.seed()), prompts.decoding(),
                prompts::text, totalSteps, stop);
        try {
            this.monitor = RunMonitor.of(config, prompts, trainer.rollout());
            this.taskEvaluation = config.evalTasks().isEmpty() ? null
                    : TaskEvaluation.open(config, prompts, policy.config(), trainer.rollout());
        } catch (RuntimeException e) {
            try {
                trainer.close();
            } catch (RuntimeException second) {
                e.addSuppressed(second);
            }
            throw e;
        }
    }

    private void requireMemory() {
        long there = device.memoryBytes();
        if (memory.lastingBytes() > there) {
            throw new UserError(base + ": training keeps " + Bytes.text(memory.lastingBytes()) + " from step to step, "
                    + "and " + device.info().name() + " has " + Bytes.text(there) + "; --dry-run says what for"
                    + (config.needsReference() ? ", and beta: 0 needs no reference" : ""));
        }
    }

    /** What a person wants to know before all that takes minutes: reading the weights, the first step. */
    private void introduce(ModelConfig model) {
        progress.message(String.format(Locale.ROOT, "%,d parameters on %s, %,d steps of %d prompts x %d completions",
                ParameterSet.count(model), device.info().name(), totalSteps, config.promptsPerStep(),
                config.numGenerations()));
        progress.message(String.format(Locale.ROOT, "memory: at most %s of %s, learning from %,d tokens at once",
                Bytes.text(memory.bytes()), Bytes.text(device.memoryBytes()), memory.trainTokens()));
        if (memory.bytes() > device.memoryBytes()) {
            progress.message("warning: long completions may be too much for the memory; less: "
                    + StepMemory.less(config));
        }
    }

    private RunResult run(RunFolder folder) {
        progress.message("writing to " + folder.path());
        long metricsBytes = 0;
        Optional<Path> checkpoint = folder.newestCheckpoint();
        if (checkpoint.isPresent()) {
            TrainingState state = Checkpoint.read(checkpoint.get(), policy, trainer.optimizer(),
                    trainer.movingReference(), config.saveDtype(), device);
            trainer.resumeAt(state.step(), state.numTokens());
            metricsBytes = state.metricsBytes();
            seconds = state.seconds();
            progress.message("resuming after step " + step() + " of " + totalSteps);
        }
        if (prompts.leftOut() > 0) {
            progress.message(prompts.leftOut() + " prompts are longer than max_prompt_length and left out");
        }
        folder.forgetCompletionsAfter(step());
        HeldOutEvaluation.Result before = null;
        try (MetricsLog metrics = MetricsLog.open(folder.metrics(), metricsBytes)) {
            monitor.replay(MetricsLog.read(folder.metrics()));
            trainer.adjust(monitor.learningRateFactor(), monitor.betaFactor());
            try {
                before = evaluationBefore(folder);
                train(folder, metrics);
                return finish(folder, before);
            } catch (StopRequested e) {
                progress.end();
                saveUnlessSaved(folder, metrics);
                return new RunResult(folder.path(), step(), totalSteps,
                        stoppedByMonitor ? RunResult.End.HACKING : RunResult.End.STOPPED, seconds, before, null);
            }
        }
    }

    private void train(RunFolder folder, MetricsLog metrics) {
        evaluateTasks(folder);
        while (step() < totalSteps) {
            Map<String, Object> probed = monitor.probe(step() + 1, stop);
            StepResult result = trainer.step(new StepLine(progress, step() + 1, totalSteps));
            seconds += result.totalSeconds();
            Map<String, Object> values = result.metrics();
            values.putAll(monitor.signals(result));
            values.putAll(probed);
            RunMonitor.Decision decision = monitor.decide(values, folder);
            metrics.append(values);
            boolean logged = result.step() == 1 || result.step() % config.loggingSteps() == 0
                    || result.step() == totalSteps;
            progress.update(line(result.step(), values), logged);
            if (logged && config.logCompletions()) {
                CompletionLog.write(folder.completions(result.step()), result, prompts.tokenizer());
            }
            warnOfSilentRewards(result);
            if (!decision.alarms().isEmpty()) {
                heed(decision, folder);
            }
            if (config.saveSteps() > 0 && result.step() % config.saveSteps() == 0) {
                save(folder, metrics);
            }
            evaluateTasks(folder);
        }
        progress.end();
    }

    /** A reward may have nothing to judge a completion by; one that judges none of a step's is told of, once. */
    private void warnOfSilentRewards(StepResult result) {
        for (String reward : result.scores().silent()) {
            if (silentRewards.add(reward)) {
                progress.message("warning: step " + result.step() + ": reward " + reward + " judged none of the "
                        + result.completions().size() + " completions; where it is the only reward, nothing is learned "
                        + "from them");
            }
        }
    }

    /** Says what the monitor saw, and does what the settings ask for. */
    private void heed(RunMonitor.Decision decision, RunFolder folder) {
        for (Alarm alarm : decision.alarms()) {
            progress.message("warning: step " + alarm.step() + ": " + alarm.hazard().id() + ": " + alarm.message());
        }
        decision.returnTo().ifPresent(step -> returnTo(step, folder));
        trainer.adjust(monitor.learningRateFactor(), monitor.betaFactor());
        switch (config.onHacking()) {
            case WARN -> { }
            case STOP -> {
                progress.message("stopping, as on_hacking says; --resume goes on all the same. To train without it: a "
                        + "new run with a lower learning_rate, or on_hacking: rollback");
                stoppedByMonitor = true;
                throw new StopRequested();
            }
            case ROLLBACK -> progress.message("the learning rate is now " + monitor.learningRateFactor()
                    + " of the schedule's");
            case RAISE_BETA -> progress.message("beta raised to " + config.beta() * monitor.betaFactor());
        }
    }

    /**
     * The policy and the moments of the optimiser as they were after this step; steps count on, so that the prompts are
     * new.
     */
    private void returnTo(int step, RunFolder folder) {
        if (step > 0) {
            Checkpoint.read(folder.checkpoint(step), policy, trainer.optimizer(), trainer.movingReference(),
                    config.saveDtype(), device);
        } else {
            try (ModelFolder files = ModelFolder.open(base)) {
                policy.load(files);
            }
            device.zero(trainer.optimizer().mean());
            device.zero(trainer.optimizer().meanSquare());
            trainer.optimizer().momentsOf(0);
            if (trainer.movingReference() != null) {
                trainer.movingReference().copyFrom(policy.working());
            }
        }
        folder.forgetCheckpointsAfter(step);
        progress.message("back to " + (step > 0 ? "checkpoint-" + step : "the base model"));
    }

    /** Where it is due and was not done before: a run that stopped in the middle of it does it when it goes on. */
    private void evaluateTasks(RunFolder folder) {
        boolean due = taskEvaluation != null && (step() == 0 ? config.evalOnStart()
                : step() == totalSteps ? config.evalOnEnd() : step() % config.evalSteps() == 0);
        if (!due || Files.exists(folder.evaluation(step()))) {
            return;
        }
        progress.update("evaluating on " + String.join(", ", config.evalTasks()), true);
        progress.message("step " + step() + ": " + taskEvaluation.run(step(), folder.evaluation(step()), stop));
    }

    /** Measured once in the life of a run, on the untrained policy, and noted in its folder. */
    private HeldOutEvaluation.Result evaluationBefore(RunFolder folder) {
        Path file = folder.path().resolve("evaluation-before.json");
        if (Files.exists(file)) {
            return EvaluationFile.read(file);
        }
        if (evaluation == null || !config.evalOnStart() || step() > 0) {
            return null;
        }
        progress.update("evaluating the base model on held-out problems", true);
        HeldOutEvaluation.Result result = evaluation.run(trainer.rollout(), stop);
        EvaluationFile.write(file, result);
        progress.message("base model: " + EvaluationFile.line(result));
        return result;
    }

    private HeldOutEvaluation.Result evaluationAfter() {
        if (evaluation == null || !config.evalOnEnd()) {
            return null;
        }
        progress.update("evaluating the trained model on held-out problems", true);
        HeldOutEvaluation.Result result = evaluation.run(trainer.rollout(), stop);
        progress.message("trained model: " + EvaluationFile.line(result));
        return result;
    }

    private void saveUnlessSaved(RunFolder folder, MetricsLog metrics) {
        if (step() > 0 && !Files.exists(folder.checkpoint(step()))) {
            save(folder, metrics);
        }
    }

    private void save(RunFolder folder, MetricsLog metrics) {
        TrainingState state = new TrainingState(step(), totalSteps, trainer.numTokens(), seconds, metrics.sync(),
                trainer.optimizer().momentUpdates());
        Checkpoint.write(folder.checkpoint(step()), base, policy.master(), trainer.optimizer(),
                trainer.movingReference(), config.saveDtype(), state, device);
        folder.keepNewest(config.saveTotalLimit(), step -> monitor.mayReturnTo(step, folder));
    }

    private RunResult finish(RunFolder folder, HeldOutEvaluation.Result before) {
        AtomicFiles.writeFolder(folder.finalModel(), temporary ->
                ModelExport.write(base, policy.master(), config.saveDtype(), temporary));
        HeldOutEvaluation.Result after = evaluationAfter();
        Map<String, Object> summary = new LinkedHashMap<>();
        summary.put("base_model", base.toString());
        summary.put("trained_model", folder.finalModel().toString());
        summary.put("steps", step());
        summary.put("num_tokens", trainer.numTokens());
        summary.put("train_seconds", seconds);
        summary.put("before", before == null ? null : EvaluationFile.toMap(before));
        summary.put("after", after == null ? null : EvaluationFile.toMap(after));
        // last: with it the run counts as finished
        AtomicFiles.writeString(folder.summary(), JSON.writeValueAsString(summary) + "\n");
        return new RunResult(folder.path(), step(), totalSteps, RunResult.End.FINISHED, seconds, before, after);
    }

    private int step() {
        return (int) trainer.steps();
    }

    private String line(int step, Map<String, Object> m) {
        String reward = config.rewardFuncs().equals(List.of("self_certainty")) ? ""
                : String.format(Locale.ROOT, "  reward %.3f", (double) m.get("reward"));
        String kl = m.containsKey("kl") ? String.format(Locale.ROOT, "  kl %.4f", (double) m.get("kl")) : "";
        double left = seconds / step * (totalSteps - step);
        String hazards = monitor.active().isEmpty() ? "" : "  ! " + monitor.active();
        return String.format(Locale.ROOT, "step %d/%d%s  self-certainty %.3f%s  length %.0f  %.0f tokens/s  %s left%s",
                step, totalSteps, reward, (double) m.get("self_certainty/mean"), kl,
                (double) m.get("completions/mean_length"), (double) m.get("tokens_per_second"), Durations.text(left),
                hazards);
    }

    @Override
    public void close() {
        if (taskEvaluation != null) {
            taskEvaluation.close();
        }
        trainer.close();
    }
}
