package intuitor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Evaluations whose process is killed in the middle of writing. */
class EvalKillTest {

    /** At most: on a busy machine a process may have ended before it is seen to write. */
    private static final int KILLS = 5;

    @TempDir
    Path folder;

    private Process eval(Path output) throws IOException {
        List<String> command = new ArrayList<>(List.of(ProcessHandle.current().info().command().orElseThrow(),
                "--enable-native-access=ALL-UNNAMED", "-XX:TieredStopAtLevel=1", "-cp",
                System.getProperty("java.class.path"), Main.class.getName(), "eval", "--model", "models/arithmetic-1m",
                "--data", "src/test/resources/intuitor/eval/data", "--tasks", "gsm8k,mmlu_pro", "--threads", "1",
                "--num-samples", "32", "--temperature", "1", "--batch-size", "16", "--max-new-tokens", "16",
                "--output", output.toString()));
        return new ProcessBuilder(command).redirectErrorStream(true)
                .redirectOutput(folder.resolve("child.log").toFile())
                .start();
    }

    /** Waits until something more is written than was there, then kills. */
    private static boolean killedWhileWriting(Process child, Path output) throws IOException {
        List<String> there = state(output);
        while (child.isAlive()) {
            if (!state(output).equals(there)) {
                child.destroyForcibly();
                return true;
            }
        }
        return false;
    }

    /** Names and sizes of all files, temporary ones among them. */
    private static List<String> state(Path output) throws IOException {
        if (!Files.exists(output)) {
            return List.of();
        }
        List<String> state = new ArrayList<>();
        try (Stream<Path> files = Files.walk(output)) {
            files.filter(Files::isRegularFile).sorted().forEach(f -> state.add(f + " " + f.toFile().length()));
        } catch (UncheckedIOException renamed) {
            state.add("changing");
        }
        return state;
    }

    private static JsonNode summary(Path output, String task) throws IOException {
        ObjectNode summary =
                (ObjectNode) new JsonMapper().readTree(Files.readString(output.resolve(task).resolve("summary.json")));
        assertTrue(summary.get("generate_seconds").doubleValue() > 0, summary.toString());
        return summary.remove(List.of("generate_seconds", "judge_seconds"));
    }

    @Test
    void aKilledEvaluationGoesOnToTheSameResults() throws IOException, InterruptedException {
        Path unharmed = folder.resolve("unharmed");
        Process whole = eval(unharmed);
        assertEquals(0, whole.waitFor(), Files.readString(folder.resolve("child.log")));
        Path output = folder.resolve("killed");
        int kills = 0;
        int status = -1;
        while (status != 0) {
            Process child = eval(output);
            boolean killed = kills < KILLS && killedWhileWriting(child, output);
            kills += killed ? 1 : 0;
            status = child.waitFor();
            assertTrue(killed || status == 0, Files.readString(folder.resolve("child.log")));
        }
        assertTrue(kills > 0, "it was never caught writing");
        for (String task : List.of("gsm8k", "mmlu_pro")) {
            assertEquals(Files.readString(unharmed.resolve(task).resolve("completions.jsonl")),
                    Files.readString(output.resolve(task).resolve("completions.jsonl")));
            assertEquals(summary(unharmed, task), summary(output, task));
        }
        assertTrue(state(output).stream().noneMatch(f -> f.contains(".tmp-")), state(output).toString());
    }
}
