package intuitor.experiment.report;

import intuitor.Json;
import intuitor.UserError;
import intuitor.experiment.Evaluations;
import intuitor.experiment.ExperimentFolder;
import intuitor.experiment.PlannedRun;
import intuitor.reward.AnswerExtraction;
import intuitor.train.HeldOutEvaluation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a finished run has left.
 *
 * @param seed        of the run
 * @param metrics     values by step, by name
 * @param evaluations of the trained model
 */
record RunData(long seed, Map<String, SortedMap<Integer, Double>> metrics, Evaluations evaluations) {

    /** Share of a step's completions that are right, of steps whose completions are logged; not a metric of train. */
    static final String ACCURACY = "accuracy";

    private static final JsonMapper JSON = new JsonMapper();

    /** @param answers by prompt; empty where the prompts of training have none */
    static RunData read(ExperimentFolder folder, PlannedRun run, Map<String, String> answers) {
        Path path = folder.run(run);
        Map<String, SortedMap<Integer, Double>> metrics = new TreeMap<>();
        for (JsonNode line : lines(path.resolve("metrics.jsonl"))) {
            int step = line.path("step").asInt();
            line.properties().stream().filter(e -> e.getValue().isNumber())
                    .forEach(e -> metrics.computeIfAbsent(e.getKey(), k -> new TreeMap<>())
                            .put(step, e.getValue().asDouble()));
        }
        if (!answers.isEmpty()) {
            metrics.put(ACCURACY,
                    accuracies(path.resolve("completions"), answers, run.config().answerExtraction()));
        }
        return new RunData(run.seed(), metrics, Evaluations.read(folder.evaluation(run.name())));
    }

    /** Mean of a metric over the last tenth of the steps; NaN where the run does not have it. */
    double atTheEnd(String metric) {
        SortedMap<Integer, Double> values = metrics.get(metric);
        if (values == null || values.isEmpty()) {
            return Double.NaN;
        }
        return values.tailMap((int) Math.ceil(0.9 * values.lastKey())).values().stream()
                .mapToDouble(Double::doubleValue).average().orElseThrow();
    }

    private static SortedMap<Integer, Double> accuracies(Path folder, Map<String, String> answers,
                                                         AnswerExtraction extraction) {
        SortedMap<Integer, Double> accuracies = new TreeMap<>();
        if (!Files.isDirectory(folder)) {
            return accuracies;
        }
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".jsonl")).toList()) {
                List<JsonNode> completions = lines(file).stream()
                        .filter(line -> answers.containsKey(line.path("prompt").asString())).toList();
                if (!completions.isEmpty()) {
                    long right = completions.stream()
                            .filter(line -> HeldOutEvaluation.isRight(line.path("completion").asString(),
                                    answers.get(line.path("prompt").asString()), extraction)).count();
                    accuracies.put(completions.getFirst().path("step").asInt(), (double) right / completions.size());
                }
            }
            return accuracies;
        } catch (IOException e) {
            throw UserError.of("cannot read " + folder, e);
        }
    }

    private static List<JsonNode> lines(Path file) {
        return Json.lines(file, JSON::readTree);
    }
}
