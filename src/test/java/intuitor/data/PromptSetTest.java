package intuitor.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import intuitor.eval.answer.FinalAnswer;
import intuitor.text.ChatTemplate.Message;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PromptSetTest {
    @TempDir
    Path folder;

    @Test
    void readsTheUsualFieldNamesAndKeepsAnswersFromTraining() throws IOException {
        Path file = file("{\"prompt\":\"a\",\"answer\":\"1\"}\n\n"
                + "{\"question\":\"b\",\"answer\":2}\n{\"problem\":\"c\",\"answer\":\"x\"}\n");
        assertEquals(List.of(Prompt.of("a", "1"), Prompt.of("b", "2"), Prompt.of("c", "x")),
                PromptSet.readProblems(file, "a test"));
        for (Prompt prompt : PromptSet.readPrompts(file)) {
            assertNull(prompt.answer());
        }
    }

    @Test
    void saysFileAndLineOfWhatIsWrong() throws IOException {
        assertError("prompts.jsonl:2: not valid JSON", file("{\"prompt\":\"a\"}\n{\"prompt\": \n"));
        assertError("prompts.jsonl:1: no \"prompt\"", file("{\"text\":\"a\"}\n"));
        assertError("holds no prompt", file("\n"));
        assertError("no such file", folder.resolve("absent.jsonl"));
        Path unanswered = file("{\"prompt\":\"a\"}\n");
        assertTrue(assertThrows(UserError.class, () -> PromptSet.readProblems(unanswered, "a test")).getMessage()
                .contains("prompts.jsonl:1: no \"answer\", \"reward_model.ground_truth\", \"solution\" or "
                        + "\"ground_truth\" in this row, and a test needs one; it has [prompt]"));
    }

    @Test
    void refusesBytesThatAreNotUtf8() throws IOException {
        Path file = folder.resolve("latin1.jsonl");
        Files.write(file, new byte[] {'{', '"', (byte) 0xe9, '"', '}'});
        assertError("latin1.jsonl:1: not UTF-8 text", file);
    }

    private static final Path DATA = Path.of("src/test/resources/intuitor/data");

    private static List<String> texts(List<Prompt> prompts) {
        return prompts.stream().map(Prompt::text).toList();
    }

    private static List<String> answers(List<Prompt> problems) {
        return problems.stream().map(p -> FinalAnswer.ofReference(p.answer())).toList();
    }

    /** Two files of the training split, and one of the test split that is not read. */
    @Test
    void mathAsOnTheHub() {
        List<Prompt> problems = PromptSet.readProblems(DATA.resolve("MATH"), "a test");
        assertEquals(List.of("Solve $3x = 12$.", "How many ways are there to seat 3 people in a row?",
                "What is $\\frac12 + \\frac13$?"), texts(problems));
        assertEquals(List.of("4", "6", "\\frac{5}{6}"), answers(problems));
    }

    @Test
    void gsm8k() {
        Path file = Path.of("src/test/resources/intuitor/eval/data/gsm8k/main/test-00000-of-00001.parquet");
        assertEquals(List.of("17", "1,500", "-5", "84"), answers(PromptSet.readProblems(file, "a test")));
        assertTrue(texts(PromptSet.readPrompts(file)).getFirst().startsWith("Ada has 3 boxes"));
    }

    @Test
    void verlsMessagesAndGroundTruth() {
        List<Prompt> problems = PromptSet.readProblems(DATA.resolve("verl.parquet"), "a test");
        assertEquals(List.of(new Message("user", "What is 5 + 6? Let's think step by step.")),
                problems.get(0).messages());
        assertEquals(List.of(new Message("system", "Be brief."), new Message("user", "What is 7 - 9?")),
                problems.get(1).messages());
        assertEquals(List.of("11", "-2"), answers(problems));
    }

    /** Source 2 is Codeforces. */
    @Test
    void codeContestsOfOneSource() {
        PromptColumns codeforces = PromptColumns.named(null, "public_tests", List.of("source=2"));
        Path file = DATA.resolve("code_contests.parquet");
        assertEquals(List.of("Read two numbers and print their sum.", "Read a number and print its double."),
                texts(PromptSet.readPrompts(file, codeforces)));
        assertEquals("{\"input\":[\"1 2\\n\"],\"output\":[\"3\\n\"]}",
                PromptSet.readProblems(file, codeforces, "a test").getFirst().answer());
        assertError("code_contests.parquet: holds no prompt (or none that data_filter leaves)", file,
                PromptColumns.named(null, null, List.of("source=9")));
        assertError("row 1: no column \"origin\", which data_filter names; it has [name, description, public_tests,",
                file, PromptColumns.named(null, null, List.of("origin=2")));
    }

    @Test
    void openR1sCodeProblems() {
        PromptColumns columns = PromptColumns.named(null, "verification_info.test_cases", List.of());
        Prompt problem = PromptSet.readProblems(DATA.resolve("open-r1-code.parquet"), columns, "a test").getFirst();
        assertEquals("Print the sum of two numbers.", problem.text());
        assertEquals("[{\"type\":\"stdin_stdout\",\"input\":\"1 2\\n\",\"output\":\"3\\n\"}]", problem.answer());
    }

    /** Of a file that stores columns apart, those of the answers are not even read. */
    @Test
    void withoutARewardThatNeedsThemNoAnswerIsRead() {
        for (String file : List.of("verl.parquet", "open-r1-code.parquet")) {
            DataFile.forEach(DATA.resolve(file), PromptColumns.USUAL.needed(false),
                    row -> assertEquals(Set.of("prompt"), Set.copyOf(row.fields().propertyNames())));
        }
        assertTrue(PromptSet.readPrompts(DATA.resolve("verl.parquet")).stream().allMatch(p -> p.answer() == null));
    }

    @Test
    void csvWithQuotesAndLineBreaks() throws IOException {
        Path file = Files.writeString(folder.resolve("p.csv"), "\uFEFFid,Question text,gold\r\n"
                + "1,\"Say \"\"hi\"\",\ntwice\",4\r\n2,plain,\"1,000\"\r\n");
        PromptColumns columns = PromptColumns.named("Question text", "gold", List.of());
        assertEquals(List.of(Prompt.of("Say \"hi\",\ntwice", "4"), Prompt.of("plain", "1,000")),
                PromptSet.readProblems(file, columns, "a test"));
        assertError("p.csv, row 1: no \"prompt\", \"question\", \"problem\" or \"description\" in this row; it has "
                + "[id, Question text, gold]; set prompt_column to the one that asks", file, PromptColumns.USUAL);
    }

    /** What is empty is not there. */
    @Test
    void emptyCellsAreSaid() throws IOException {
        Path asked = Files.writeString(folder.resolve("a.csv"), "prompt,answer\nx,1\n ,2\n");
        assertError("a.csv, row 2: \"prompt\" is empty", asked, PromptColumns.USUAL);
        Path answered = Files.writeString(folder.resolve("b.csv"), "prompt,answer\nx,1\ny,\n");
        assertTrue(assertThrows(UserError.class, () -> PromptSet.readProblems(answered, PromptColumns.USUAL, "a test"))
                .getMessage().contains("b.csv, row 2: no \"answer\""));
        Path number = Files.writeString(folder.resolve("n.jsonl"), "{\"prompt\": 5, \"answer\": 1}\n");
        assertError("n.jsonl:1: \"prompt\" is neither a text nor messages: 5", number, PromptColumns.USUAL);
    }

    @Test
    void damagedCsvIsNamedWithItsRow() throws IOException {
        assertError("d.csv, row 2: not valid CSV", Files.writeString(folder.resolve("d.csv"),
                "prompt,n\na,1\n\"b,2\n"));
        assertError("e.csv, row 2: not valid CSV", Files.writeString(folder.resolve("e.csv"), "prompt,n\na,1\nb\n"));
        Path latin1 = Files.write(folder.resolve("l.csv"),
                new byte[] {'p', 'r', 'o', 'm', 'p', 't', '\n', (byte) 0xe9, '\n'});
        assertError("l.csv, row 1 or later: not UTF-8 text", latin1);
        assertError("f.csv, row 1: not valid CSV: Empty header line", Files.writeString(folder.resolve("f.csv"), ""));
        assertError("none.csv: no such file", folder.resolve("none.csv"));
    }

    @Test
    void messagesThatAreNoneAreNamed() throws IOException {
        assertError("prompts.jsonl:1: \"prompt\": message 2 is not {\"role\": TEXT, \"content\": TEXT}",
                file("{\"prompt\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\"}]}\n"));
        assertError("prompts.jsonl:1: \"prompt\": the last message is the assistant's",
                file(
                "{\"prompt\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"}]}\n"));
        assertError("a folder without a file of a training split", folder);
        assertThrows(IllegalArgumentException.class, () -> PromptColumns.named(null, null, List.of("source")));
    }

    private Path file(String text) throws IOException {
        return Files.writeString(folder.resolve("prompts.jsonl"), text);
    }

    private static void assertError(String expected, Path file) {
        assertError(expected, file, PromptColumns.USUAL);
    }

    private static void assertError(String expected, Path file, PromptColumns columns) {
        String message = assertThrows(UserError.class, () -> PromptSet.readPrompts(file, columns)).getMessage();
        assertTrue(message.contains(expected), message);
        assertEquals(1, message.lines().count());
    }
}
