package intuitor.experiment.report;

import intuitor.UserError;
import intuitor.checkpoint.Digests;
import intuitor.checkpoint.RunOrigin;
import intuitor.experiment.Evaluations;
import intuitor.experiment.Experiment;
import intuitor.experiment.PlannedRun;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What is no longer as it was when the runs of a report were made: settings, base model, prompts, problems. Contents
 * count, not names; what is gone has changed, too.
 */
final class Changes {

    private final Experiment experiment;
    private final Map<String, String> model;
    private final Map<Path, String> digests = new HashMap<>();
    /** Names of runs, by what has changed since. */
    private final Map<String, Set<String>> since = new LinkedHashMap<>();

    Changes(Experiment experiment) {
        this.experiment = experiment;
        Path base = experiment.shared().model();
        this.model = Files.isDirectory(base) ? Digests.ofModel(base) : Map.of();
    }

    /** Compares a finished run, and how it was evaluated, with what the experiment is now. */
    void look(PlannedRun run, Evaluations evaluated) {
        if (!hasSettings(run)) {
            note("settings in " + experiment.file(), run);
        }
        origin(run).ifPresentOrElse(origin -> origin.changed(model, run.config().data(), run.config().evalData(),
                        run.config().probeData(), this::digest).forEach(what -> note(what, run)),
                () -> note("what they began with (origin.json is missing or damaged)", run));
        if (!model.equals(evaluated.baseSha256())) {
            note(RunOrigin.MODEL, run);
        }
        experiment.tasks().forEach((task, problems) -> {
            if (!digest(problems).equals(evaluated.tasksSha256().get(task))) {
                note(problems.toString(), run);
            }
        });
    }

    private boolean hasSettings(PlannedRun run) {
        try {
            return experiment.folder().hasSettings(run);
        } catch (UserError e) { // of a program that had other keys, perhaps
            return false;
        }
    }

    private Optional<RunOrigin> origin(PlannedRun run) {
        try {
            return Optional.of(RunOrigin.read(experiment.folder().run(run)));
        } catch (UserError e) {
            return Optional.empty();
        }
    }

    private String digest(Path file) {
        return digests.computeIfAbsent(file, f -> Files.exists(f) ? Digests.of(f) : "");
    }

    private void note(String what, PlannedRun run) {
        since.computeIfAbsent(what, w -> new TreeSet<>()).add(run.name());
    }

    /** A line for each. */
    List<String> complaints(int runs) {
        return since.entrySet().stream().map(e -> "changed since " + e.getValue().size() + " of the " + runs
                + " runs in this report were made: " + e.getKey()).toList();
    }
}
