package intuitor.train;

import intuitor.UserError;
import intuitor.checkpoint.AtomicFiles;
import intuitor.eval.Proportion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Accuracies as they stand in the files of a run. */
final class EvaluationFile {

    private static final JsonMapper JSON = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private EvaluationFile() { }

    static void write(Path file, HeldOutEvaluation.Result result) {
        AtomicFiles.writeString(file, JSON.writeValueAsString(toMap(result)) + "\n");
    }

    static HeldOutEvaluation.Result read(Path file) {
        try {
            JsonNode json = JSON.readTree(Files.readString(file));
            return new HeldOutEvaluation.Result(proportion(json.path("sampled")), proportion(json.path("greedy")));
        } catch (IOException | JacksonException | IllegalArgumentException e) {
            throw new UserError(file + " is damaged; remove it to have the base model evaluated again", e);
        }
    }

    static Map<String, Object> toMap(HeldOutEvaluation.Result result) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("sampled", toMap(result.sampled()));
        map.put("greedy", toMap(result.greedy()));
        return map;
    }

    /** {@code accuracy 41.5% sampled, 52.0% greedy}. */
    static String line(HeldOutEvaluation.Result result) {
        return String.format(Locale.ROOT, "held-out accuracy %.1f%% sampled, %.1f%% greedy",
                100 * result.sampled().value(), 100 * result.greedy().value());
    }

    private static Map<String, Object> toMap(Proportion p) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("right", p.successes());
        map.put("of", p.trials());
        map.put("accuracy", p.value());
        map.put("low95", p.low());
        map.put("high95", p.high());
        return map;
    }

    private static Proportion proportion(JsonNode json) {
        return new Proportion(json.path("right").asInt(), json.path("of").asInt());
    }
}
