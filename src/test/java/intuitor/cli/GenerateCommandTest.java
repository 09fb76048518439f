package intuitor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class GenerateCommandTest {

    @TempDir
    static Path model;

    @TempDir
    Path folder;

    @BeforeAll
    static void writeModel() throws IOException {
        TinyModel.write(model);
    }

    private static Outcome generate(String... more) {
        List<String> args = new ArrayList<>(List.of("generate", "--model", model.toString(), "--threads", "1"));
        args.addAll(List.of(more));
        if (!args.contains("--max-new-tokens")) {
            args.addAll(List.of("--max-new-tokens", "12"));
        }
        return Outcome.of(args.toArray(String[]::new));
    }

    @Test
    void theSameSeedWritesTheSameText() {
        Outcome first = generate("--seed", "7", "12 + 34 =");
        assertEquals(0, first.status(), first.err());
        assertTrue(first.out().endsWith("\n") && first.out().length() > 1);
        assertEquals(first.out(), generate("--seed", "7", "12 + 34 =").out());
        assertNotEquals(first.out(), generate("--seed", "8", "12 + 34 =").out());
    }

    @Test
    void greedyIsTemperatureZeroAndNeedsNoSeed() {
        assertEquals(generate("--greedy", "12").out(), generate("--temperature", "0", "--seed", "3", "12").out());
    }

    /** What streams, piece by piece, is what is decoded as a whole. */
    @Test
    void aFileOfPromptsGivesALineForEachCompletion() throws IOException {
        Path prompts = Files.writeString(folder.resolve("p.jsonl"), "{\"prompt\": \"12 + 34 =\"}\n"
                + "{\"prompt\": \"7 *\"}\n");
        Outcome o = generate("--prompts", prompts.toString(), "--n", "2", "--greedy");
        assertEquals(0, o.status(), o.err());
        List<JsonNode> lines = o.out().lines().map(new JsonMapper()::readTree).toList();
        assertEquals(4, lines.size());
        assertEquals("12 + 34 =", lines.get(1).get("prompt").stringValue());
        assertEquals(generate("--greedy", "12 + 34 =").out(),
                lines.get(0).get("completion").stringValue() + System.lineSeparator());
        assertTrue(lines.get(3).get("self_certainty").doubleValue() > 0);
    }

    @Test
    void severalCompletionsAreNumbered() {
        Outcome o = generate("--n", "3", "12");
        assertEquals(0, o.status(), o.err());
        assertEquals(3, o.out().lines().filter(line -> line.startsWith("--- ")).count());
    }

    @Test
    void aChatTemplateChangesThePrompt() {
        Outcome o = generate("--chat", "--system", "Be brief.", "--greedy", "12");
        assertEquals(0, o.status(), o.err());
        assertNotEquals(generate("--greedy", "12").out(), o.out());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --temperature -1 x           | temperature must be at least 0
            --top-p 0 x                  | top_p must be in (0, 1]
            --n 0 x                      | --n: expected 1 to
            --system s x                 | --system: needs --chat
            --temperature 1e-50 x        | temperature is beyond single precision
            --stop-token nope x          | the tokenizer has no token 'nope'
            --max-new-tokens 64 x        | more than this model's 64
            --prompts none.jsonl x       | give one of them
            --prompts none.jsonl         | none.jsonl: no such file
            --device gpu x               | unknown device 'gpu'
            --dtype half x               | --dtype: expected auto, float32, bfloat16, found 'half'
            --device cpu --dtype bfloat16 x | dtype: bfloat16 needs a GPU
            """)
    void errorsAreOneLine(String arguments, String message) {
        Outcome o = generate(arguments.split(" "));
        assertEquals(2, o.status());
        assertTrue(o.err().startsWith("error: ") && o.err().contains(message), o.err());
        assertEquals(1, o.err().lines().count());
        assertEquals("", o.out());
    }
}
