package intuitor.cli;

import intuitor.Json;
import intuitor.UserError;
import intuitor.checkpoint.AtomicFiles;
import intuitor.checkpoint.Digests;
import intuitor.data.Prompt;
import intuitor.report.ProgressLine;
import intuitor.reward.AnswerExtraction;
import intuitor.reward.BestOfN;
import intuitor.reward.SelfCertainty;
import intuitor.rollout.Completion;
import intuitor.rollout.Decoding;
import intuitor.rollout.Group;
import intuitor.rollout.Rollout;
import intuitor.rollout.StopStrings;
import intuitor.rollout.StopText;
import intuitor.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Completes a list of prompts, a portion at a time, and makes a line of JSON for each completion. What is drawn depends
 * on the seed, the number of completions a prompt and the prompt's place alone. Of the completions of a prompt all are
 * written, or the best one.
 *
 * <p>Into a file, the work can be interrupted and goes on when the same command is given again: until everything is
 * done, {@code FILE.partial} holds the settings in its first line and then what there is; a portion that was cut off is
 * made again.
 */
final class BulkGeneration {

    /** Completions of a portion, about: as many as make a batch that is fast, few enough to lose little. */
    private static final int PORTION = 256;

    private static final JsonMapper JSON = new JsonMapper();

    private final Rollout rollout;
    private final Tokenizer tokenizer;
    private final Decoding decoding;
    private final List<String> stops;
    private final List<Prompt> asked;
    private final List<int[]> prompts;
    private final int n;
    private final AnswerExtraction best;

    /**
     * @param asked   the prompts
     * @param prompts their tokens
     * @param n       completions of each
     * @param best    how the answers are found by which {@link BestOfN} is chosen; null: all completions are written
     */
    BulkGeneration(Rollout rollout, Tokenizer tokenizer, Decoding decoding, List<String> stops, List<Prompt> asked,
                   List<int[]> prompts, int n, AnswerExtraction best) {
        this.rollout = rollout;
        this.tokenizer = tokenizer;
        this.decoding = decoding;
        this.stops = stops;
        this.asked = asked;
        this.prompts = prompts;
        this.n = n;
        this.best = best;
    }

    /** Prints the lines of each portion as soon as it is done. */
    void print(Consumer<String> out) {
        for (int portion = 0; portion < portions(); portion++) {
            generate(portion).forEach(out);
        }
    }

    /**
     * Writes the lines to a file that does not exist yet.
     *
     * @param options what decides the text besides the prompts; work that was begun with others is not gone on with
     */
    void write(Path file, Map<String, Object> options, ProgressLine progress) {
        Map<String, Object> settings = new LinkedHashMap<>(options);
        settings.put("prompts_sha256", promptsSha256());
        requireNew(file);
        Path partial = file.resolveSibling(file.getFileName() + ".partial");
        try {
            List<String> lines = begun(partial, JSON.writeValueAsString(settings));
            int done = Math.min(portions(), (lines.size() - 1) / (perPortion() * written()));
            if (lines.size() - 1 >= prompts.size() * written()) {
                done = portions();
            }
            lines = new ArrayList<>(lines.subList(0, 1 + Math.min(done * perPortion(), prompts.size()) * written()));
            AtomicFiles.writeString(partial, String.join("\n", lines) + "\n");
            progress.message((done == 0 ? "writing to " + file : "going on with " + file + " after "
                    + (lines.size() - 1) / written() * n + " completions")
                    + "; if it is interrupted, the same command goes on");
            for (int portion = done; portion < portions(); portion++) {
                List<String> more = generate(portion);
                lines.addAll(more);
                Files.writeString(partial, String.join("\n", more) + "\n", StandardOpenOption.APPEND);
                int drawn = (lines.size() - 1) / written() * n;
                progress.update("%d of %d completions".formatted(drawn, prompts.size() * n), true);
            }
            progress.end();
            AtomicFiles.writeString(file, String.join("\n", lines.subList(1, lines.size())) + "\n");
            Files.delete(partial);
            progress.message("done: " + file);
        } catch (IOException e) {
            throw UserError.of("--output: cannot write " + file, e);
        }
    }

    /** Refuses to write over what is there. */
    static void requireNew(Path file) {
        if (Files.exists(file)) {
            throw new UserError("--output: " + file + " exists already; move it away or name another file");
        }
    }

    /** The whole lines that are there, the settings first. */
    private static List<String> begun(Path partial, String settings) throws IOException {
        if (!Files.exists(partial)) {
            return List.of(settings);
        }
        List<String> lines = AtomicFiles.readWholeLines(partial).lines().toList();
        if (lines.isEmpty()) {
            return List.of(settings);
        }
        try {
            Json.difference(JSON.readTree(lines.getFirst()), JSON.readTree(settings)).ifPresent(difference -> {
                throw new UserError("--output: " + partial + " was begun with other settings: " + difference
                        + "; give those, or delete it to begin anew");
            });
            return lines;
        } catch (JacksonException e) {
            throw new UserError("--output: " + partial + " is damaged; delete it to begin anew", e);
        }
    }

    /** Of the tokens, and so of the file, the tokenizer and the chat template. */
    private String promptsSha256() {
        return Digests.ofText(prompts.stream().map(Arrays::toString).collect(Collectors.joining("\n")));
    }

    /** Lines of a prompt. */
    private int written() {
        return best == null ? n : 1;
    }

    private int perPortion() {
        return Math.max(1, PORTION / n);
    }

    private int portions() {
        return (prompts.size() + perPortion() - 1) / perPortion();
    }

    private List<String> generate(int portion) {
        int from = portion * perPortion();
        List<int[]> some = prompts.subList(from, Math.min(prompts.size(), from + perPortion()));
        StopText stop = new StopText(new StopStrings(tokenizer, stops));
        List<String> lines = new ArrayList<>();
        List<Group> groups = rollout.generate(some, n, decoding, portion, () -> false, stop);
        for (int i = 0; i < groups.size(); i++) {
            Group group = groups.get(i);
            String prompt = asked.get(from + i).text();
            List<String> texts = group.completions().stream().map(stop::of).toList();
            if (best == null) {
                group.completions().forEach(c -> lines.add(line(prompt, texts, c, Map.of())));
            } else {
                BestOfN chosen = BestOfN.of(group, texts, best);
                lines.add(line(prompt, texts, chosen.completion(), Map.of("agreeing", chosen.agreeing())));
            }
        }
        return lines;
    }

    private static String line(String prompt, List<String> texts, Completion c, Map<String, Object> more) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("prompt", prompt);
        line.put("completion", texts.get(c.index()));
        line.put("tokens", c.length());
        line.put("stopped", c.stopped());
        line.put("self_certainty", SelfCertainty.of(c));
        line.putAll(more);
        return JSON.writeValueAsString(line);
    }
}
