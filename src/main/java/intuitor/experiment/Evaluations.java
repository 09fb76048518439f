package intuitor.experiment;

import intuitor.UserError;
import intuitor.checkpoint.AtomicFiles;
import intuitor.checkpoint.Digests;
import intuitor.train.GrpoConfig;
import intuitor.train.HeldOutEvaluation;
import intuitor.train.ModelEvaluation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a model came to on the held-out tasks: the files of {@code evaluations/}.
 *
 * @param evalPrompts problems of each task: the first
 * @param evalSamples completions sampled for each of them
 * @param baseSha256  of the base model ({@link Digests#ofModel})
 * @param tasksSha256 of the files of problems, by task
 * @param tasks       the completions, by task
 */
public record Evaluations(int evalPrompts, int evalSamples, Map<String, String> baseSha256,
                          Map<String, String> tasksSha256, Map<String, HeldOutEvaluation.Judged> tasks) {

    private static final JsonMapper JSON =
            JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();

    /**
     * Evaluates the model and writes the file, unless it is there and is of the same base and problems.
     *
     * @param base    {@link Digests#ofModel} of the experiment's base
     * @param changed told the name where it is there, but of others
     */
    static void make(Path file, Experiment experiment, GrpoConfig config, Path model, Map<String, String> base,
                     BooleanSupplier stop, Consumer<String> changed) {
        Map<String, String> tasksSha256 = new LinkedHashMap<>();
        experiment.tasks().forEach((task, problems) -> tasksSha256.put(task, Digests.of(problems)));
        if (Files.exists(file)) {
            if (read(file).isOf(config, base, tasksSha256)) {
                return;
            }
            changed.accept(file.getFileName().toString().replace(".json", ""));
        }
        Evaluations made = new Evaluations(config.evalPrompts(), config.evalSamples(), base, tasksSha256,
                ModelEvaluation.run(config, model, experiment.tasks(), stop));
        AtomicFiles.writeString(file, JSON.writeValueAsString(made) + "\n");
    }

    /** Reads a file that {@link #make} wrote. */
    public static Evaluations read(Path file) {
        try {
            return JSON.readValue(Files.readString(file), Evaluations.class);
        } catch (IOException | JacksonException e) {
            throw new UserError(file + " is damaged; remove it to have the model evaluated again", e);
        }
    }

    private boolean isOf(GrpoConfig config, Map<String, String> base, Map<String, String> problems) {
        return evalPrompts == config.evalPrompts() && evalSamples == config.evalSamples()
                && base.equals(baseSha256) && problems.equals(tasksSha256);
    }
}
