package intuitor.eval.run;

import intuitor.UserError;
import intuitor.eval.task.DataFolder;
import intuitor.eval.task.Problem;
import intuitor.eval.task.Task;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;

/** Runs benchmarks one after the other, in a folder that keeps what was done. */
public final class Evaluation {

    /** A benchmark's problems, and the files that they came from, with their sizes. */
    private record Loaded(Task task, List<Problem> problems, Map<String, Long> files) { }

    private final EvaluationFolder folder;
    private final Map<String, ?> settings;
    private final List<Loaded> loaded = new ArrayList<>();

    /**
     * Finds all data before anything is generated.
     *
     * @param settings all that the completions depend on beside the data; a folder holds results of the same settings
     *                 only
     * @param limit    the first so many problems of each task
     */
    public Evaluation(EvaluationFolder folder, Map<String, ?> settings, List<Task> tasks, Path data, int limit) {
        this.folder = folder;
        this.settings = settings;
        for (Task task : tasks) {
            DataFolder files = new DataFolder(data);
            List<Problem> problems = task.problems(files, limit);
            if (problems.isEmpty()) {
                throw new UserError(task.name() + ": the data hold no problem");
            }
            loaded.add(new Loaded(task, problems, files.sizes()));
        }
    }

    /** A summary for each task, in order. */
    public List<Summary> run(Evaluator evaluator, BooleanSupplier stop, Evaluator.Progress progress) {
        return loaded.stream().map(l -> run(l, evaluator, stop, progress)).toList();
    }

    private Summary run(Loaded l, Evaluator evaluator, BooleanSupplier stop, Evaluator.Progress progress) {
        Map<String, Object> all = new LinkedHashMap<>(settings);
        all.put("task", l.task.name());
        all.put("data", l.files);
        int lines = l.problems.size() * evaluator.samples();
        try (ResultsFile results = folder.results(l.task.name(), all, evaluator.linesOfBatch(), lines)) {
            Times before = folder.times(l.task.name());
            Times start = evaluator.times();
            evaluator.run(l.task, l.problems, results, stop, (task, done, of, e) -> {
                folder.writeTimes(task, before.plus(e.times().minus(start)));
                progress.done(task, done, of, e);
            });
            Summary summary = Summary.of(l.task, results.results());
            folder.writeSummary(summary, folder.times(l.task.name()));
            return summary;
        }
    }
}
