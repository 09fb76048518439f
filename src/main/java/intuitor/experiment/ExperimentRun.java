package intuitor.experiment;

import intuitor.UserError;
import intuitor.checkpoint.AtomicFiles;
import intuitor.checkpoint.Digests;
import intuitor.checkpoint.FolderLock;
import intuitor.recipe.Recipe;
import intuitor.report.Durations;
import intuitor.report.ProgressLine;
import intuitor.rollout.StopRequested;
import intuitor.train.GrpoConfig;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.BooleanSupplier;

/**
 * Makes the runs of an experiment, several at once, and evaluates what they have trained. What is done already is kept:
 * started again, it goes on where it was stopped.
 */
public final class ExperimentRun {

    /**
     * How it ended.
     *
     * @param finished runs that are trained and evaluated
     * @param all      runs of the experiment
     * @param failed   what went wrong, by the name of the run
     */
    public record Outcome(int finished, int all, Map<String, String> failed) { }

    private final Experiment experiment;
    private final ExperimentFolder folder;
    private final Trainer trainer;
    private final ProgressLine progress;
    private final BooleanSupplier stop;
    private final Map<String, String> failed = Collections.synchronizedMap(new LinkedHashMap<>());

    /** Check sums of the base model. */
    private Map<String, String> base;
    private int finished;
    private int made;
    private long started;

    public ExperimentRun(Experiment experiment, Trainer trainer, ProgressLine progress, BooleanSupplier stop) {
        this.experiment = experiment;
        this.folder = experiment.folder();
        this.trainer = trainer;
        this.progress = progress;
        this.stop = stop;
    }

    /** Makes what is not made yet. A run that fails is noted, and the others go on. */
    public Outcome run() {
        List<PlannedRun> runs = experiment.runs();
        try (FolderLock lock = folder.take()) {
            base = Digests.ofModel(experiment.shared().model());
            Map<Path, String> known = new HashMap<>();
            runs.forEach(run -> folder.settle(run, base, file -> known.computeIfAbsent(file, Digests::of)));
            folder.keepRecipe(experiment.file());
            int parallel = experiment.settings().parallel();
            progress.message(runs.size() + " runs, " + parallel + " at once: " + folder.path());
            started = System.nanoTime();
            try (ExecutorService workers = Executors.newFixedThreadPool(parallel)) {
                // first: problems that cannot be used are said before anything is trained
                await(experiment.seeds().stream().map(seed -> workers.submit(() -> evaluateBase(seed))).toList());
                await(runs.stream().map(run -> workers.submit(() -> guarded(run))).toList());
            }
        } finally {
            progress.end();
        }
        return new Outcome(finished, runs.size(), Map.copyOf(failed));
    }

    private void evaluateBase(long seed) {
        if (!stop.getAsBoolean()) {
            GrpoConfig config = evaluated(seed);
            Path file = folder.evaluation(ExperimentFolder.baseName(seed));
            Evaluations.make(file, experiment, config, config.model(), base, stop, this::changed);
        }
    }

    private void guarded(PlannedRun run) {
        try {
            make(run);
        } catch (UserError e) {
            fail(run, e.getMessage());
        }
    }

    private void make(PlannedRun run) {
        if (stop.getAsBoolean()) {
            return;
        }
        boolean trained = folder.isTrained(run);
        if (!trained) {
            AtomicFiles.delete(folder.evaluation(run.name())); // of a run of this name that is no more
            progress.message(run.name() + (folder.isStarted(run) ? ": goes on" : ": starts"));
            List<String> arguments = folder.isStarted(run) ? List.of("--resume", folder.run(run).toString())
                    : List.of(folder.recipe(run).toString(), "--memory-utilization", memoryUtilization(run.config()));
            int status = trainer.train(arguments, folder.log(run), stop);
            if (!folder.isTrained(run)) {
                if (!stop.getAsBoolean()) {
                    fail(run, "train ended with status " + status + ": " + lastLine(folder.log(run)));
                }
                return;
            }
        }
        Evaluations.make(folder.evaluation(run.name()), experiment, evaluated(run.seed()),
                folder.run(run).resolve("final"), base, stop, this::changed);
        done(run, trained);
    }

    /** With which settings models are evaluated. */
    private GrpoConfig evaluated(long seed) {
        return Recipe.with(experiment.shared(), Map.of("seed", "" + seed, "memory_utilization",
                memoryUtilization(experiment.shared())));
    }

    /** Of what is made at once, be it trained or evaluated, each plans with an equal part of the memory. */
    private String memoryUtilization(GrpoConfig config) {
        return "" + config.memoryUtilization() / experiment.settings().parallel();
    }

    private void changed(String name) {
        progress.message(name + ": evaluated again, as the tasks or the model have changed");
    }

    private synchronized void done(PlannedRun run, boolean before) {
        finished++;
        made += before ? 0 : 1;
        int left = experiment.runs().size() - finished - failed.size();
        double seconds = 1e-9 * (System.nanoTime() - started);
        if (!before) {
            progress.message(run.name() + ": finished; " + left + " of " + experiment.runs().size() + " left, about "
                    + Durations.text(seconds / made * left));
        }
    }

    private void fail(PlannedRun run, String why) {
        failed.put(run.name(), why);
        progress.message(run.name() + ": failed: " + why);
    }

    /** What is last but for how to go on: that is the same command here. */
    private static String lastLine(Path log) {
        try {
            return Files.readString(log, StandardCharsets.UTF_8).lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("go on: "))
                    .reduce((earlier, later) -> later).orElse("it said nothing") + " (" + log + ")";
        } catch (IOException e) {
            return "it left no log";
        }
    }

    /** Until all are done; a fault of the program in one of them is thrown when the others have ended. */
    private static void await(List<? extends Future<?>> jobs) {
        RuntimeException fault = null;
        for (Future<?> job : jobs) {
            try {
                job.get();
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof StopRequested)) {
                    fault = e.getCause() instanceof UserError user ? user : new IllegalStateException(e.getCause());
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            }
        }
        if (fault != null) {
            throw fault;
        }
    }
}
