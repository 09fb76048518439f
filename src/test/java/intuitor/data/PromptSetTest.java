package intuitor.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PromptSetTest {
    @TempDir
    Path folder;

    @Test
    void readsTheUsualFieldNamesAndKeepsAnswersFromTraining() throws IOException {
        Path file = file("{\"prompt\":\"a\",\"answer\":\"1\"}\n\n"
                + "{\"question\":\"b\",\"answer\":2}\n{\"problem\":\"c\",\"answer\":\"x\"}\n");
        assertEquals(List.of(new Prompt("a", "1"), new Prompt("b", "2"), new Prompt("c", "x")),
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
                .contains("prompt 1 has no \"answer\", and a test needs one a line"));
    }

    @Test
    void refusesBytesThatAreNotUtf8() throws IOException {
        Path file = folder.resolve("latin1.jsonl");
        Files.write(file, new byte[] {'{', '"', (byte) 0xe9, '"', '}'});
        assertError("not UTF-8", file);
    }

    private Path file(String text) throws IOException {
        return Files.writeString(folder.resolve("prompts.jsonl"), text);
    }

    private static void assertError(String expected, Path file) {
        String message = assertThrows(UserError.class, () -> PromptSet.readPrompts(file)).getMessage();
        assertTrue(message.contains(expected), message);
        assertEquals(1, message.lines().count());
    }
}
