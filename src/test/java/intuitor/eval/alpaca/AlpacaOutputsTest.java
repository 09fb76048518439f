package intuitor.eval.alpaca;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import intuitor.UserError;
import intuitor.eval.run.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AlpacaOutputsTest {

    @TempDir
    Path folder;

    private Path file(String name, String... instructions) throws IOException {
        return Files.writeString(folder.resolve(name), List.of(instructions).stream()
                .map(i -> "{\"instruction\": \"" + i + "\", \"output\": \"" + name + " " + i + "\"}").toList()
                .toString());
    }

    private static Result result(int id, int sample) {
        return new Result("" + id, null, sample, "prompt", "mine " + id, 1, true, 0, 0, false, null, null, null, null);
    }

    @Test
    void theFirstSampleMeetsTheBaselineOfTheSameInstruction() throws IOException {
        assertEquals(List.of(new Pair(1, "b", "mine 1", "baseline.json b")),
                AlpacaOutputs.pairs(List.of(result(1, 0), result(1, 1)),
                file("asked.json", "a", "b"), file("baseline.json", "a", "b")));
    }

    @Test
    void aBaselineOfOtherInstructionsIsRefused() throws IOException {
        Path asked = file("asked.json", "a", "b");
        Path other = file("baseline.json", "a", "c");
        UserError e = assertThrows(UserError.class, () ->
                AlpacaOutputs.pairs(List.of(result(0, 0), result(1, 0)), asked, other));
        assertEquals(other + ", element 2: not the instruction that " + asked + ", element 2 has; both files must be "
                + "of the same release of AlpacaEval", e.getMessage());
    }
}
