package intuitor.experiment;

import intuitor.train.GrpoConfig;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What an experiment is: read by {@link ExperimentRecipe}.
 *
 * @param file        the recipe
 * @param settings    name, folder, seeds
 * @param shared      settings that all runs share; the base model is evaluated with them
 * @param tasks       files of held-out problems by the name of the task; the first is the one that is trained on
 * @param comparisons the arms
 */
public record Experiment(Path file, ExperimentSettings settings, GrpoConfig shared,
                         Map<String, Path> tasks, List<Comparison> comparisons) {

    /** Of every arm, unless its comparison has fewer. */
    public List<Long> seeds() {
        return settings.seeds().stream().map(Long::valueOf).toList();
    }

    /** Where everything is written. */
    public ExperimentFolder folder() {
        return new ExperimentFolder(settings.folder());
    }

    /**
     * All runs, each once, in the order in which they are made: comparison after comparison, and in each of them seed
     * after seed, so that what there is of it can be compared.
     */
    public List<PlannedRun> runs() {
        Map<String, PlannedRun> runs = new LinkedHashMap<>();
        for (Comparison comparison : comparisons) {
            for (long seed : seeds()) {
                comparison.arms().stream().flatMap(arm -> arm.runs().stream()).filter(run -> run.seed() == seed)
                        .forEach(run -> runs.putIfAbsent(run.name(), run));
            }
        }
        return List.copyOf(runs.values());
    }
}
