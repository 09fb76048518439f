package intuitor.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ScoreCommandTest {

    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    static Path model;

    @TempDir
    Path folder;

    private static int vocab;

    @BeforeAll
    static void writeModel() throws IOException {
        vocab = TinyModel.write(model);
    }

    /** With every token of the vocabulary as the completion, the log-probabilities are the whole distribution. */
    @Test
    void entropyAndSelfCertaintyFollowFromTheLogProbabilities() throws IOException {
        List<JsonNode> lines = score(IntStream.range(0, vocab)
                .mapToObj(id -> "{\"prompt_ids\": [5, 70, 8], \"completion_ids\": [" + id + "]}").toList());
        double total = 0;
        double entropy = 0;
        double mean = 0;
        for (JsonNode line : lines) {
            double logprob = line.get("logprobs").get(0).doubleValue();
            total += Math.exp(logprob);
            entropy -= Math.exp(logprob) * logprob;
            mean += logprob / vocab;
        }
        assertEquals(1, total, 1e-5);
        for (JsonNode line : lines) {
            assertEquals(entropy, line.get("entropy").get(0).doubleValue(), 1e-4);
            assertEquals(-mean - Math.log(vocab), line.get("self_certainty").get(0).doubleValue(), 1e-4);
            assertEquals(line.get("self_certainty").get(0).doubleValue(), line.get("mean_self_certainty").doubleValue(),
                    1e-6);
        }
    }

    /** Token t is scored by the distribution it was drawn from: that after everything before it. */
    @Test
    void eachTokenIsScoredAfterThoseBeforeIt() throws IOException {
        List<JsonNode> lines = score(List.of(
                "{\"prompt_ids\": [1, 2], \"completion_ids\": [3, 4, 5]}",
                "{\"prompt_ids\": [1, 2], \"completion_ids\": [3]}",
                "{\"prompt_ids\": [1, 2, 3], \"completion_ids\": [4]}",
                "{\"prompt_ids\": [1, 2, 3, 4], \"completion_ids\": [5]}"));
        for (String key : List.of("logprobs", "self_certainty", "entropy")) {
            double[] together = numbers(lines.get(0), key);
            assertEquals(3, together.length);
            for (int t = 0; t < 3; t++) {
                assertArrayEquals(new double[] {together[t]}, numbers(lines.get(t + 1), key), 1e-5, key);
            }
        }
    }

    @Test
    void batchesChangeNothingAndOrderIsKept() throws IOException {
        List<String> input = IntStream.range(0, 40).mapToObj(i ->
                "{\"prompt_ids\": [" + i / 3 + ", 9], \"completion_ids\": [" + (i + 1) + ", " + 2 * i + ", 7]}")
                        .toList();
        List<JsonNode> together = score(input);
        List<JsonNode> apart = score(input, "--batch-tokens", "1");
        for (int i = 0; i < input.size(); i++) {
            assertArrayEquals(numbers(apart.get(i), "logprobs"), numbers(together.get(i), "logprobs"), 1e-4);
        }
    }

    @Test
    void textIsReadByTheModelsTokenizer() throws IOException {
        JsonNode text = score(List.of("{\"prompt\": \"12 + 34 =\", \"completion\": \" 46\\n\"}")).getFirst();
        int tokens = text.get("completion_ids").size();
        assertTrue(tokens >= 1);
        assertEquals(tokens, text.get("logprobs").size());
        assertTrue(numbers(text, "logprobs")[0] < 0);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"prompt_ids": [1], "completion_ids": []}        | completion_ids is empty: nothing to score
            {"prompt_ids": [], "completion_ids": [1]}        | prompt_ids is empty
            {"prompt": "a", "completion": ""}                | completion is empty
            {"prompt_ids": [1], "completion_ids": [999]}     | completion_ids[0] is 999, but this model's token ids
            {"prompt_ids": [-1], "completion_ids": [1]}      | prompt_ids[0] is -1
            {"prompt_ids": [1.5], "completion_ids": [1]}     | prompt_ids[0] is 1.5
            {"prompt_ids": ["1"], "completion_ids": [1]}     | prompt_ids[0] is "1"
            {"prompt_ids": 1, "completion_ids": [1]}         | prompt_ids is not a list of token ids
            {"prompt": 1, "completion": "a"}                 | prompt is not text
            {"prompt": "a"}                                  | expected {"prompt_ids"
            {"prompt_ids": [1], "completion_ids": [1]        | not valid JSON
            [1]                                              | expected {"prompt_ids"
            """)
    void errorsNameFileAndLineAndLeaveTheOldOutput(String line, String message) throws IOException {
        Path input = folder.resolve("in.jsonl");
        Path output = folder.resolve("out.jsonl");
        Files.writeString(input, "{\"prompt_ids\": [1], \"completion_ids\": [1]}\n\n" + line + "\n");
        Files.writeString(output, "old\n");
        Outcome o = run(input, output);
        assertEquals(2, o.status());
        assertTrue(o.err().startsWith("error: " + input + ":3: " + message), o.err());
        assertEquals(1, o.err().lines().count());
        assertEquals("old\n", Files.readString(output));
        try (var files = Files.list(folder)) {
            assertEquals(2, files.count(), "a temporary file is left");
        }
    }

    @Test
    void aSequenceLongerThanTheModelIsRefused() throws IOException {
        String ids = "1" + ", 1".repeat(TinyModel.MAX_POSITIONS - 1);
        Path input = Files.writeString(folder.resolve("in.jsonl"),
                "{\"prompt_ids\": [1], \"completion_ids\": [" + ids + "]}\n");
        Outcome o = run(input, folder.resolve("out.jsonl"));
        assertEquals(2, o.status());
        assertTrue(o.err().contains("in.jsonl:1: 65 tokens, but this model reads 64 at most"), o.err());
        assertFalse(Files.exists(folder.resolve("out.jsonl")));
    }

    @Test
    void aTokenizerWiderThanTheModelIsTheUsersError() throws IOException {
        Path odd = Files.createDirectory(folder.resolve("odd"));
        TinyModel.write(odd);
        Files.copy(Path.of("models/arithmetic-1m/tokenizer.json"), odd.resolve("tokenizer.json"),
                java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        Path input = Files.writeString(folder.resolve("odd.jsonl"), "{\"prompt\": \"1 +\", \"completion\": \" 2\"}\n");
        Outcome o = Outcome.of("score", "--model", odd.toString(), "--input", input.toString(), "--output",
                folder.resolve("odd-scores.jsonl").toString());
        assertEquals(2, o.status());
        assertTrue(o.err().contains("the tokenizer has 512 tokens, the model only "), o.err());
    }

    @Test
    void theFusedHeadNeedsItsGpu() throws IOException {
        Path input = Files.writeString(folder.resolve("in.jsonl"), "{\"prompt_ids\": [1], \"completion_ids\": [2]}\n");
        Outcome o = run(input, folder.resolve("out.jsonl"), "--lm-head", "fused", "--device", "cpu");
        assertEquals(2, o.status());
        assertTrue(o.err().startsWith("error: lm_head: fused needs an NVIDIA GPU of compute capability 9.0"), o.err());
        assertEquals(1, o.err().strip().lines().count(), o.err());
        assertFalse(Files.exists(folder.resolve("out.jsonl")));
    }

    @Test
    void missingFilesAreTheUsersError() throws IOException {
        assertEquals("error: " + folder.resolve("none") + ": no such file",
                run(folder.resolve("none"), folder.resolve("o")).err().strip());
        Path input = Files.writeString(folder.resolve("in.jsonl"), "");
        Outcome o = Outcome.of("score", "--model", folder.resolve("no-model").toString(), "--input", input.toString(),
                "--output", folder.resolve("o").toString());
        assertEquals(2, o.status());
        assertTrue(o.err().contains("no-model"), o.err());
    }

    private List<JsonNode> score(List<String> lines, String... more) throws IOException {
        Path input = Files.write(folder.resolve("in.jsonl"), lines);
        Path output = folder.resolve("out.jsonl");
        Outcome o = run(input, output, more);
        assertEquals(0, o.status(), o.err());
        List<JsonNode> results = Files.readAllLines(output).stream().map(JSON::readTree).toList();
        assertEquals(lines.size(), results.size());
        return results;
    }

    private Outcome run(Path input, Path output, String... more) {
        List<String> args = new java.util.ArrayList<>(List.of("score", "--model", model.toString(), "--threads", "1",
                "--input", input.toString(), "--output", output.toString()));
        args.addAll(List.of(more));
        return Outcome.of(args.toArray(String[]::new));
    }

    private static double[] numbers(JsonNode line, String key) {
        return StreamSupport.stream(line.get(key).spliterator(), false).mapToDouble(JsonNode::doubleValue).toArray();
    }
}
