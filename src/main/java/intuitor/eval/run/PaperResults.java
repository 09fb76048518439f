package intuitor.eval.run;

import intuitor.UserError;
import intuitor.model.ModelConfig;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The table of "Learning to Reason without External Rewards" (arXiv 2505.19590): what its models came to. */
public final class PaperResults {

    private static final List<String> TASKS =
            List.of("gsm8k", "math500", "livecodebench", "cruxeval", "mmlu_pro", "alpaca_eval");
    private static final Map<String, Map<String, double[]>> ROWS = new LinkedHashMap<>();

    static {
        add("Qwen2.5-1.5B", "base", .002, .090, 0, 0, .297, 2.10);
        add("Qwen2.5-1.5B", "GRPO", .747, .560, .056, .328, .315, 4.03);
        add("Qwen2.5-1.5B", "Intuitor", .711, .530, .099, .296, .310, 4.28);
        add("Qwen2.5-3B", "base", .673, .544, .093, .236, .377, 3.72);
        add("Qwen2.5-3B", "GRPO", .826, .636, .085, .341, .403, 6.91);
        add("Qwen2.5-3B", "GRPO-PV", .820, .636, .086, .299, .398, 6.17);
        add("Qwen2.5-3B", "Intuitor", .792, .612, .153, .416, .379, 7.10);
        add("Qwen2.5-3B", "Intuitor-Code", .743, .572, .153, .411, .386, 4.16);
        add("Qwen2.5-7B", "base", .553, .636, .026, .178, .497, 4.46);
        add("Qwen2.5-7B", "GRPO", .829, .750, .200, .538, .511, 8.52);
        add("Qwen2.5-7B", "Intuitor", .873, .750, .190, .574, .514, 12.76);
        add("Qwen2.5-14B", "base", .751, .674, .220, .491, .565, 8.51);
        add("Qwen2.5-14B", "GRPO", .917, .758, .296, .520, .578, 17.53);
        add("Qwen2.5-14B", "Intuitor", .923, .770, .300, .560, .583, 20.57);
        add("Llama3.2-3B-Instruct", "base", .688, .436, .106, .265, .340, 11.07);
        add("Llama3.2-3B-Instruct", "GRPO", .714, .494, .127, .266, .361, 13.62);
        add("Llama3.2-3B-Instruct", "Intuitor", .723, .476, .134, .293, .358, 12.41);
    }

    private PaperResults() { }

    private static void add(String model, String method, double... values) {
        ROWS.computeIfAbsent(model, m -> new LinkedHashMap<>()).put(method, values);
    }

    /** The paper's model of this size, if it has one. */
    public static Optional<String> modelLike(ModelConfig config) {
        String size = config.hiddenSize() + "/" + config.layers();
        return switch (size) {
            case "1536/28" -> Optional.of("Qwen2.5-1.5B");
            case "2048/36" -> Optional.of("Qwen2.5-3B");
            case "3584/28" -> Optional.of("Qwen2.5-7B");
            case "5120/48" -> Optional.of("Qwen2.5-14B");
            case "3072/28" -> Optional.of("Llama3.2-3B-Instruct");
            default -> Optional.empty();
        };
    }

    /** A model by name; a {@link UserError} lists those that there are. */
    public static String requireModel(String name) {
        if (!ROWS.containsKey(name)) {
            throw new UserError("--paper: the paper has no " + name + "; it has " + String.join(", ", ROWS.keySet()));
        }
        return name;
    }

    /** What was trained how. */
    public static List<String> methods(String model) {
        return List.copyOf(ROWS.get(model).keySet());
    }

    /** A cell of the table, empty for a task that the paper does not have. Win rates are percentages, as published. */
    public static Optional<Double> value(String model, String method, String task) {
        int column = TASKS.indexOf(task);
        return column < 0 ? Optional.empty() : Optional.of(ROWS.get(model).get(method)[column]);
    }
}
