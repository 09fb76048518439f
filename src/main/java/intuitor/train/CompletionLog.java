package intuitor.train;

import intuitor.checkpoint.AtomicFiles;
import intuitor.reward.Scores;
import intuitor.reward.SelfCertainty;
import intuitor.rollout.Completion;
import intuitor.rollout.Group;
import intuitor.text.Tokenizer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/** Writes what the model wrote in a step, and how it was judged: a line a completion. */
final class CompletionLog {

    private static final JsonMapper JSON = new JsonMapper();

    private CompletionLog() { }

    static void write(Path file, StepResult result, Tokenizer tokenizer) {
        StringBuilder lines = new StringBuilder();
        double[][] total = result.rewards();
        for (int g = 0; g < result.groups().size(); g++) {
            Group group = result.groups().get(g);
            String prompt = tokenizer.decode(group.prompt(), true);
            for (Completion c : group.completions()) {
                Map<String, Object> line = new LinkedHashMap<>();
                line.put("step", result.step());
                line.put("prompt", prompt);
                line.put("completion", tokenizer.decode(c.tokens()));
                line.put("tokens", c.length());
                line.put("stopped", c.stopped());
                line.put("self_certainty", SelfCertainty.of(c));
                line.put("rewards", rewards(result.scores(), g, c.index()));
                line.put("reward", total[g][c.index()]);
                line.put("advantage", result.advantages().values()[g][c.index()]);
                lines.append(JSON.writeValueAsString(line)).append('\n');
            }
        }
        AtomicFiles.writeString(file, lines.toString());
    }

    /** By name; null where one had nothing to judge by. */
    private static Map<String, Double> rewards(Scores scores, int group, int completion) {
        Map<String, Double> rewards = new LinkedHashMap<>();
        for (int k = 0; k < scores.names().size(); k++) {
            double value = scores.values()[k][group][completion];
            rewards.put(scores.names().get(k), Double.isNaN(value) ? null : value);
        }
        return rewards;
    }
}
