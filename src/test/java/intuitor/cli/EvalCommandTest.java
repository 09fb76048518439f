package intuitor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import intuitor.eval.sandbox.Limits;
import intuitor.eval.sandbox.Sandboxes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Evaluations with the model that comes along, on small files in the data sets' layouts. */
class EvalCommandTest {

    private static final String DATA = "src/test/resources/intuitor/eval/data";

    @TempDir
    Path folder;

    private static List<String> arguments(Path output, String tasks, String... more) {
        List<String> args =
                new ArrayList<>(List.of("eval", "--model", "models/arithmetic-1m", "--data", DATA, "--tasks", tasks,
                "--output", output.toString(), "--threads", "1", "--max-new-tokens", "24"));
        args.addAll(List.of(more));
        return args;
    }

    private static Outcome eval(Path output, String tasks, String... more) {
        Outcome o = Outcome.of(arguments(output, tasks, more).toArray(String[]::new));
        assertEquals(0, o.status(), o.err());
        return o;
    }

    private static List<JsonNode> lines(Path output, String task) throws IOException {
        return Files.readAllLines(output.resolve(task).resolve("completions.jsonl")).stream()
                .map(new JsonMapper()::readTree).toList();
    }

    /** Every run has a model of these names: results of one must not stand where another's are looked for. */
    @ParameterizedTest
    @CsvSource({"models/arithmetic-1m, arithmetic-1m", "runs/run-1/final, run-1-final",
        "runs/run-1/checkpoint-20/, run-1-checkpoint-20", "runs/finale, finale"})
    void aModelIsNamedAfterItsFolder(Path model, String name) {
        assertEquals(name, EvalCommand.generator(model));
    }

    @Test
    void everyTaskRunsEndToEnd() throws IOException {
        Sandboxes.open(Limits.CONTEST).close();
        Outcome o = eval(folder, "gsm8k,math500,livecodebench,cruxeval,mmlu_pro,alpaca_eval,cruxeval_input", "--paper",
                "Qwen2.5-3B");
        assertTrue(o.out().matches("(?s).*gsm8k +accuracy +4 +[01]\\.\\d{3} \\[.*\\]\\*? +0\\.673 +0\\.826 +0\\.820 "
                + "+0\\.792 +0\\.743\\R.*"), o.out());
        assertTrue(o.out().matches("(?s).*alpaca_eval +LC win rate +4 +not judged +3\\.72%.*"), o.out());
        for (String task : List.of("gsm8k", "math500", "livecodebench", "cruxeval", "mmlu_pro", "alpaca_eval",
                "cruxeval_input")) {
            JsonNode line = lines(folder, task).getFirst();
            assertTrue(line.get("prompt").stringValue().length() > 10 && line.get("tokens").intValue() > 0,
                    line.toString());
            assertTrue(Files.exists(folder.resolve(task).resolve("summary.json")));
        }
        assertEquals("17", lines(folder, "gsm8k").getFirst().get("reference").stringValue());
        assertEquals(2, lines(folder, "mmlu_pro").getFirst().get("shots").intValue());
    }

    @Test
    void samplesGiveMoreMeasures() {
        String out = eval(folder, "gsm8k", "--num-samples", "4", "--temperature", "1").out();
        for (String measure : List.of("accuracy", "pass@2", "pass@4", "maj@4", "best@4", "borda@4")) {
            assertTrue(out.contains(" " + measure + " "), out);
        }
    }

    /** Cut off in the middle of a line of the second batch, as a kill would. */
    @Test
    void whatWasCutOffGoesOnToTheSameResults() throws IOException {
        String[] how = {"--num-samples", "2", "--temperature", "1", "--batch-size", "4"};
        String whole = eval(folder.resolve("a"), "gsm8k", how).out();
        Path file = folder.resolve("a/gsm8k/completions.jsonl");
        String results = Files.readString(file);
        assertEquals(8, results.lines().count());
        Files.writeString(file, results.substring(0, results.length() * 7 / 10));
        double spent = generateSeconds("a");
        assertEquals(whole, eval(folder.resolve("a"), "gsm8k", how).out());
        assertEquals(results, Files.readString(file));
        // the seconds are those of all sittings, also where the last one had nothing to do
        assertTrue(generateSeconds("a") > spent, spent + " " + generateSeconds("a"));
        spent = generateSeconds("a");
        assertEquals(whole, eval(folder.resolve("a"), "gsm8k", how).out());
        assertEquals(spent, generateSeconds("a"));
        eval(folder.resolve("b"), "gsm8k", "--num-samples", "2", "--temperature", "1", "--batch-size", "4", "--limit",
                "3");
        eval(folder.resolve("b"), "gsm8k", how);
        assertEquals(results, Files.readString(folder.resolve("b/gsm8k/completions.jsonl")));
        eval(folder.resolve("c"), "gsm8k", "--num-samples", "2", "--temperature", "1", "--batch-size", "4", "--seed",
                "1");
        assertNotEquals(results, Files.readString(folder.resolve("c/gsm8k/completions.jsonl")));
    }

    private double generateSeconds(String run) throws IOException {
        return new JsonMapper().readTree(Files.readString(folder.resolve(run).resolve("gsm8k/summary.json")))
                .get("generate_seconds").doubleValue();
    }

    @Test
    void aSmallerLimitLosesNothing() throws IOException {
        String whole = eval(folder, "gsm8k").out();
        String results = Files.readString(folder.resolve("gsm8k/completions.jsonl"));
        assertTrue(eval(folder, "gsm8k", "--limit", "1").out().matches("(?s).*gsm8k +accuracy +1 .*"));
        assertEquals(results, Files.readString(folder.resolve("gsm8k/completions.jsonl")));
        assertEquals(whole, eval(folder, "gsm8k").out());
    }

    @Test
    void theKeyIsInNoMessage() {
        assertEquals("sk-1", JudgeOptions.key(" sk-1\n", "KEY"));
        assertNull(JudgeOptions.key(" ", "KEY"));
        UserError e = assertThrows(UserError.class, () -> JudgeOptions.key("sk-1\nsk-2", "KEY"));
        assertTrue(e.getMessage().contains("KEY") && !e.getMessage().contains("sk-"), e.getMessage());
    }

    @Test
    void otherSettingsNeedAnotherFolder() {
        eval(folder, "gsm8k");
        Outcome o = Outcome.of(arguments(folder, "gsm8k", "--temperature", "1").toArray(String[]::new));
        assertEquals(2, o.status());
        assertEquals(1, o.err().lines().count());
        assertTrue(o.err().contains("holds results of another evaluation: temperature was 0.0 and is 1.0; give another "
                + "--output"), o.err());
        o = Outcome.of(arguments(folder, "gsm8k", "--kv-cache-mib", "3").toArray(String[]::new));
        assertEquals(2, o.status());
        assertTrue(o.err().contains("kv_cache_mib was 2048 and is 3; give --kv-cache-mib 2048, another --output, or"),
                o.err());
    }

    @Test
    void aStopStringEndsACompletion() throws IOException {
        eval(folder, "gsm8k", "--temperature", "3", "--num-samples", "64", "--seed", "2");
        for (JsonNode line : lines(folder, "gsm8k")) {
            assertFalse(line.get("completion").stringValue().contains("Question:"));
        }
    }

    /** What is for a chat template alone is not silently left out. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            mmlu_pro | --system s                       | --system: does nothing here: no chat template is used in
            mmlu_pro | --chat-template always           | --chat-template always: does nothing here
            gsm8k    | --chat-template never --system s | --system: needs a chat template
            gsm8k    | --chat-template never --chat-template-date 2024-07-27 | --chat-template-date: needs a chat
            """)
    void withoutAChatTemplateNothingIsForIt(String task, String more, String message) throws IOException {
        Path model = Files.createDirectories(folder.resolve("model"));
        TinyModel.write(model);
        List<String> arguments = arguments(folder.resolve("results"), task, more.split(" "));
        arguments.set(arguments.indexOf("--model") + 1, model.toString());
        Outcome o = Outcome.of(arguments.toArray(String[]::new));
        assertEquals(2, o.status(), o.err());
        assertTrue(o.err().startsWith("error: " + message), o.err());
    }

    @Test
    void resultsCanBeBrowsed() {
        eval(folder, "gsm8k");
        Outcome wrong = Outcome.of("eval", "--output", folder.toString(), "--show", "wrong");
        Outcome right = Outcome.of("eval", "--output", folder.toString(), "--show", "right");
        Outcome all = Outcome.of("eval", "--output", folder.toString(), "--show", "all", "--limit", "1", "--tasks",
                "gsm8k");
        long shown = all.out().lines().filter(l -> l.startsWith("=== gsm8k")).count();
        assertEquals(1, shown);
        assertTrue(all.out().contains("Question: Ada has 3 boxes of 4 pens") && all.out().contains("; right: 17"),
                all.out());
        assertTrue(all.out().contains("--- gsm8k: 4 of 4, 1 shown"), all.out());
        assertEquals(4, count(wrong) + count(right));
    }

    private static long count(Outcome o) {
        assertEquals(0, o.status(), o.err());
        return o.out().lines().filter(l -> l.startsWith("=== ")).count();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --tasks gsm8k --data x                             | --model is missing
            --model m --data x                                 | --tasks is missing: one or more of gsm8k,math500
            --model m --tasks gsm9k --data x                   | --tasks: no task 'gsm9k'; there are gsm8k, math500
            --model m --tasks gsm8k                            | --data is missing
            --model m --tasks gsm8k --data x --limit 0         | --limit: expected at least 1
            --model m --tasks gsm8k --data x --num-samples 0   | --num-samples: expected 1 to
            --model m --tasks gsm8k --data x --num-samples 4   | --num-samples 4: give a --temperature above 0
            --model m --tasks gsm8k --data x --chat-template x | --chat-template: expected auto, always or never
            --model m --tasks gsm8k --data x --temperature -1  | --temperature: expected 0 or more, found -1.0
            --model m --tasks gsm8k --data x --temperature 1e99 | --temperature: expected 0 or more
            --model m --tasks gsm8k --data x --top-k -1        | --top-k: expected 0 or more
            --model m --tasks gsm8k --data x --top-p 0         | --top-p: expected more than 0
            --model m --tasks gsm8k --data x --top-p 0.9       | --top-p: does nothing where the most likely token is
            --model m --tasks gsm8k --data x --top-k 5         | --top-k: does nothing where the most likely token is
            --model m --tasks alpaca_eval --data x --judge-model x | --judge-model: does nothing without --judge-url
            --model m --tasks gsm8k --data x --judge-price 1,2 | --judge-price: does nothing without --judge-url
            --model m --tasks alpaca_eval --data x --judge-url https://h/^ | --judge-url: expected an address
            --model m --tasks alpaca_eval --data x --judge-url http://h --judge-price 1,-2 | --judge-price: expected two
            --model m --tasks gsm8k --data x --paper GPT       | --paper: the paper has no GPT; it has Qwen2.5-1.5B
            --model m --tasks gsm8k --data x --chat-template-date x | --chat-template-date: expected a date
            --model none --tasks gsm8k --data none --output target/eval-none | no such model folder: none
            --model m --tasks gsm8k --data x --judge-url http://h | --judge-url: it judges alpaca_eval
            --model m --tasks alpaca_eval --data x --judge-url x | --judge-url: expected an address such as https
            --model m --tasks alpaca_eval --data x --judge-url http://h --judge-parallel 0 | --judge-parallel: expected
            --show bad --output x                              | --show: expected wrong, right, all
            --show wrong                                       | --show: give --output
            --show wrong --output none                         | no such folder: none
            --show wrong --output docs                         | docs is not the folder of an evaluation
            """)
    void errorsAreOneLine(String arguments, String message) {
        Outcome o = Outcome.of(("eval " + arguments).split(" "));
        assertEquals(2, o.status());
        assertTrue(o.err().startsWith("error: ") && o.err().contains(message), o.err());
        assertEquals(1, o.err().lines().count());
    }
}
