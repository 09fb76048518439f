package intuitor.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
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

    /** On the emulated device the fused LM head draws the same text; on a CPU there is none. */
    @Test
    void theFusedHead() {
        String[] common = {"--seed", "7", "--max-new-tokens", "8", "--device", "emu", "--dtype", "bfloat16", "12 ="};
        Outcome tiled = generate(common);
        assertEquals(0, tiled.status(), tiled.err());
        String[] flags = Stream.concat(Stream.of("--lm-head", "fused"), Stream.of(common)).toArray(String[]::new);
        Outcome fused = generate(flags);
        assertEquals(0, fused.status(), fused.err());
        assertEquals(tiled.out(), fused.out());
        Outcome filtered = generate("--lm-head", "fused", "--top-p", "0.9", "12");
        assertEquals(2, filtered.status());
        assertTrue(filtered.err().startsWith("error: --lm-head fused: --top-k, --top-p, --min-p and"), filtered.err());
        Outcome none = generate("--lm-head", "fused", "--device", "cpu", "12");
        assertEquals(2, none.status());
        assertEquals(1, none.err().lines().count(), none.err());
        assertTrue(none.err().startsWith("error: lm_head: fused needs an NVIDIA GPU of compute capability 9.0"),
                none.err());
    }

    @Test
    void severalCompletionsAreNumbered() {
        Outcome o = generate("--n", "3", "12");
        assertEquals(0, o.status(), o.err());
        assertEquals(3, o.out().lines().filter(line -> line.startsWith("--- ")).count());
    }

    @Test
    void aChatTemplateChangesThePrompt() {
        Outcome o = generate("--chat", "--system", "Be brief.", "--chat-template-date", "2024-07-26",
                "--greedy", "12");
        assertEquals(0, o.status(), o.err());
        assertNotEquals(generate("--greedy", "12").out(), o.out());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --temperature -1 x           | --temperature: expected at least 0, found -1.0
            --top-p 0 x                  | top_p must be in (0, 1]
            --n 0 x                      | --n: expected 1 to
            --system s x                 | --system: does nothing without --chat or --interactive
            --chat-template-date 2024-07-26 x | --chat-template-date: does nothing without --chat
            --answer-extraction math x   | --answer-extraction: does nothing without --best
            --greedy --temperature 0.5 x | --greedy and --temperature 0.5: give one of them
            --greedy --top-k 5 x         | --top-k: does nothing where the most likely token is always taken
            --temperature 0 --top-p 0.9 x | --top-p: does nothing where
            --temperature 0 --min-p 0.1 x | --min-p: does nothing where
            --greedy --n 4 --best x      | --best: give a --temperature above 0
            --interactive --best         | --interactive: takes no prompt, no --prompts, no --n and no --best
            --temperature 1e-50 x        | temperature is beyond single precision
            --stop-token nope x          | the tokenizer has no token 'nope'
            --max-new-tokens 0 x         | --max-new-tokens: expected at least 1, found 0
            --prompts p.jsonl --output README.md | --output: README.md exists already
            --max-new-tokens 64 x        | more than this model's 64
            --prompts none.jsonl x       | give one of them
            --prompts none.jsonl         | none.jsonl: no such file
            --device gpu x               | device: expected auto, cpu or cuda, found 'gpu'
            --dtype half x               | --dtype: expected auto, float32, bfloat16, found 'half'
            """)
    void errorsAreOneLine(String arguments, String message) {
        Outcome o = generate(arguments.split(" "));
        assertEquals(2, o.status());
        assertTrue(o.err().startsWith("error: ") && o.err().contains(message), o.err());
        assertEquals(1, o.err().lines().count());
        assertEquals("", o.out());
    }

    /** The text before a stop string, wherever tokens are cut; nothing of the string is printed. */
    @Test
    void aTextEndsIt() {
        String whole = generate("--seed", "7", "--max-new-tokens", "40", "12 + 34 =").out();
        String stop = whole.substring(9, 12);
        String before = whole.substring(0, whole.indexOf(stop));
        List<String> flags = List.of("--seed", "7", "--max-new-tokens", "40", "--stop", "nowhere to be found", "--stop",
                stop, "12 + 34 =");
        assertEquals(before + System.lineSeparator(), generate(flags.toArray(String[]::new)).out());
    }

    @Test
    void theRepetitionPenaltyChangesTheText() {
        assertNotEquals(generate("--greedy", "12").out(),
                generate("--greedy", "--repetition-penalty", "9", "12").out());
        assertEquals(generate("--greedy", "12").out(), generate("--greedy", "--repetition-penalty", "1", "12").out());
        assertEquals(2, generate("--repetition-penalty", "0", "12").status());
    }

    /** Killed after any byte that it wrote, the same command makes the same file. */
    @Test
    void bulkGenerationGoesOnWhereItStopped() throws IOException {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 5; i++) {
            lines.append("{\"prompt\": \"").append(i).append(" + 1 =\"}\n");
        }
        Path prompts = Files.writeString(folder.resolve("p.jsonl"), lines.toString());
        Path file = folder.resolve("c.jsonl");
        Path partial = folder.resolve("c.jsonl.partial");
        String[] command = {"--prompts", prompts.toString(), "--output", file.toString(), "--n", "130"};
        Outcome first = generate(command);
        assertEquals(0, first.status(), first.err());
        String expected = Files.readString(file);
        assertEquals(5 * 130, expected.lines().count());
        assertTrue(Files.notExists(partial));
        assertEquals(2, generate(command).status(), "an existing file is not written over");
        assertEquals(expected, generate("--prompts", prompts.toString(), "--n", "130").out());

        String settings = firstLineSeen(partial, () -> {
            Files.delete(file);
            generate(command);
        });
        Files.delete(file);
        for (int bytes : new int[] {0, 10, expected.length() / 2, expected.length()}) {
            Files.writeString(partial, settings + "\n" + expected.substring(0, bytes));
            assertEquals(0, generate(command).status());
            assertEquals(expected, Files.readString(file));
            Files.delete(file);
        }
        // one line a prompt: as many lines are other prompts' work
        Path bestPartial = folder.resolve("b.jsonl.partial");
        Path bestFile = folder.resolve("b.jsonl");
        String[] best = {"--prompts", prompts.toString(), "--output", bestFile.toString(), "--n", "130", "--best"};
        String bestSettings = firstLineSeen(bestPartial, () -> {
            Files.deleteIfExists(bestFile);
            generate(best);
        });
        String bestExpected = Files.readString(bestFile);
        assertEquals(5, bestExpected.lines().count());
        Files.delete(bestFile);
        for (int bytes : new int[] {0, bestExpected.length() / 2, bestExpected.length()}) {
            Files.writeString(bestPartial, bestSettings + "\n" + bestExpected.substring(0, bytes));
            assertEquals(0, generate(best).status());
            assertEquals(bestExpected, Files.readString(bestFile));
            Files.delete(bestFile);
        }
        Files.writeString(partial, settings + "\n");
        Outcome other = generate("--prompts", prompts.toString(), "--output", file.toString(), "--n", "130", "--seed",
                "1");
        assertEquals(2, other.status());
        assertTrue(other.err().contains("was begun with other settings: seed was 42 and is 1"), other.err());
        Files.writeString(prompts, lines.toString().replace("4 + 1", "4 + 2"));
        Outcome changed = generate(command);
        assertEquals(2, changed.status());
        assertTrue(changed.err().contains("was begun with other settings: prompts_sha256 was"), changed.err());
        Files.writeString(partial, "{\"model\": \n");
        Outcome damaged = generate(command);
        assertEquals(2, damaged.status());
        assertTrue(damaged.err().contains("c.jsonl.partial is damaged; delete it to begin anew"), damaged.err());
    }

    /** Where bits depend on how much is done together, work goes on with the same cache only. */
    @Test
    void theCacheDecidesOnAGpu() throws IOException {
        Path prompts = Files.writeString(folder.resolve("p.jsonl"), "{\"prompt\": \"1 + 1 =\"}\n");
        Path file = folder.resolve("c.jsonl");
        Path partial = folder.resolve("c.jsonl.partial");
        String[] command = {"--prompts", prompts.toString(), "--output", file.toString(), "--max-new-tokens", "4"};
        for (String device : List.of("cpu", "emu")) {
            String[] small = with(command, "--device", device, "--kv-cache-mib", "1");
            String settings = firstLineSeen(partial, () -> {
                Files.deleteIfExists(file);
                assertEquals(0, generate(small).status());
            });
            Files.delete(file);
            assertFalse(settings.contains("lm_head"), settings);
            Files.writeString(partial, settings + "\n");
            Outcome other = generate(with(command, "--device", device, "--kv-cache-mib", "2"));
            if (device.equals("cpu")) {
                assertFalse(settings.contains("kv_cache_mib"), settings);
                assertEquals(0, other.status(), other.err());
                Files.delete(file);
            } else {
                assertEquals(2, other.status());
                assertTrue(other.err().contains("begun with other settings: kv_cache_mib was 1 and is 2; give those"),
                        other.err());
                assertEquals(0, generate(small).status());
            }
        }
    }

    /** Rounded a little, the model is surer or less sure by a little; a CPU that cannot do it says so. */
    @Test
    void matricesInBfloat16() throws IOException {
        Path prompts = Files.writeString(folder.resolve("p.jsonl"), "{\"prompt\": \"1 + 1 =\"}\n");
        Outcome wide = generate("--prompts", prompts.toString());
        Outcome narrow = generate("--prompts", prompts.toString(), "--dtype", "bfloat16");
        if (narrow.status() != 0) {
            assertTrue(narrow.err().contains("does not multiply bfloat16"), narrow.err());
            return;
        }
        double certainty = JsonMapper.shared().readTree(wide.out()).path("self_certainty").asDouble();
        double rounded = JsonMapper.shared().readTree(narrow.out()).path("self_certainty").asDouble();
        assertNotEquals(certainty, rounded);
        assertEquals(certainty, rounded, 0.02);
    }

    /** One line a prompt, and one text where there is one prompt: the same one. */
    @Test
    void onlyTheBestIsWritten() throws IOException {
        Path prompts = Files.writeString(folder.resolve("p.jsonl"),
                "{\"prompt\": \"1 + 1 =\"}\n{\"prompt\": \"2 =\"}\n");
        Path file = folder.resolve("best.jsonl");
        String[] options = {"--n", "5", "--best", "--answer-extraction", "last_number"};
        List<String> all = generate("--prompts", prompts.toString(), "--n", "5").out().lines().toList();
        List<String> best = generate(with(options, "--prompts", prompts.toString())).out().lines().toList();
        assertEquals(2, best.size());
        for (int i = 0; i < 2; i++) {
            String one = best.get(i).replaceFirst(",\"agreeing\":\\d}", "}");
            assertTrue(all.subList(5 * i, 5 * i + 5).contains(one), one);
        }
        assertEquals(0, generate(with(options, "--prompts", prompts.toString(), "--output", file.toString())).status());
        assertEquals(best, Files.readAllLines(file));
        Outcome single = generate(with(options, "1 + 1 ="));
        assertEquals(JsonMapper.shared().readTree(best.getFirst()).path("completion").asString() + "\n", single.out());
        assertTrue(single.err().matches("(?s)\\(completion \\d of 5: self-certainty .*"), single.err());
        assertEquals(2, generate("--best", "1 + 1 =").status());
    }

    private static String[] with(String[] options, String... more) {
        return Stream.concat(Stream.of(options), Stream.of(more)).toArray(String[]::new);
    }

    /** The first line of a file that is there while something is done; it is done again until the file was seen. */
    private static String firstLineSeen(Path file, Work work) throws IOException {
        AtomicReference<String> seen = new AtomicReference<>();
        for (int i = 0; seen.get() == null; i++) {
            assertTrue(i < 100, "never seen: " + file);
            AtomicBoolean done = new AtomicBoolean();
            Thread watcher = Thread.ofPlatform().start(() -> {
                while (!done.get() && seen.get() == null) {
                    try (Stream<String> text = Files.lines(file)) {
                        text.findFirst().ifPresent(seen::set);
                    } catch (IOException e) {
                        Thread.onSpinWait(); // not there yet
                    }
                }
            });
            work.run();
            done.set(true);
            assertDoesNotThrow(() -> watcher.join());
        }
        return seen.get();
    }

    private interface Work {
        void run() throws IOException;
    }

    /** Each line is answered, in the model's chat template, with what was said before; /new forgets it. */
    @Test
    void aConversation() throws IOException {
        Path chatModel = Files.createDirectory(folder.resolve("chat"));
        TinyModel.write(chatModel);
        Files.writeString(chatModel.resolve("chat_template.jinja"),
                "{% for m in messages %}{{ m.content }}\n{% endfor %}=");
        InputStream before = System.in;
        try {
            System.setIn(new ByteArrayInputStream("1 +\n2 +\n\n/new\n1 +\n/exit\n3 +".getBytes(UTF_8)));
            Outcome outcome = Outcome.of("generate", "--model", chatModel.toString(), "--threads", "1", "--greedy",
                    "--interactive", "--max-new-tokens", "5");
            assertEquals(0, outcome.status(), outcome.err());
            String first = answer(chatModel, "1 +");
            assertTrue(outcome.out().startsWith(first) && outcome.out().endsWith(first), outcome.out());
            assertTrue(outcome.out().length() > 2 * first.length(), "and the second one between them");
        } finally {
            System.setIn(before);
        }
    }

    private static String answer(Path model, String prompt) {
        return Outcome.of("generate", "--model", model.toString(), "--threads", "1", "--greedy", "--chat",
                "--max-new-tokens", "5", prompt).out();
    }

    @Test
    void optionsThatDoNotGoTogetherAreRefused() {
        assertEquals(2, generate("--output", "x", "12").status());
        assertEquals(2, generate("--interactive", "12").status());
        assertEquals(2, generate("--stop", "", "12").status());
    }
}
