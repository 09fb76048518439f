package intuitor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExperimentCommandTest {

    @TempDir
    Path folder;

    @Test
    void runsAreOwnProcessesAndAReportIsLeft() throws IOException {
        Path model = Files.createDirectory(folder.resolve("model"));
        TinyModel.write(model);
        Path data = Files.writeString(folder.resolve("p.jsonl"), "{\"prompt\": \"12 + 34 =\", \"answer\": \"46\"}\n");
        Path recipe = Files.writeString(folder.resolve("e.yaml"), """
                name: e
                output_dir: %s
                seeds: [5]
                train:
                  model: %s
                  data: %s
                  max_steps: 1
                  prompts_per_step: 1
                  num_generations: 2
                  max_completion_length: 4
                  eval_samples: 1
                  threads: 1
                tasks: {sums: %s}
                comparisons:
                  - {name: a, arms: {INTUITOR: {}}}
                """.formatted(folder, model, data, data));
        Outcome o = Outcome.of("experiment", recipe.toString());
        assertEquals(0, o.status(), o.err());
        assertTrue(o.out().contains("INTUITOR") && o.out().contains("base"), o.out());
        assertTrue(Files.readString(folder.resolve("e/logs/INTUITOR-seed-5.log")).contains("trained for"));
        assertTrue(o.err().contains("report: " + folder.resolve("e/report.html")), o.err());
        assertTrue(Files.exists(folder.resolve("e/report.html")));
        Outcome again = Outcome.of("experiment", recipe.toString(), "--report-only");
        assertEquals(o.out(), again.out());
        assertFalse(again.err().contains("warning"), again.err());
        Files.writeString(data, "{\"prompt\": \"12 + 35 =\", \"answer\": \"47\"}\n");
        assertTrue(Outcome.of("experiment", recipe.toString(), "--report-only").err()
                .contains("warning: changed since 1 of the 1 runs in this report were made: " + data));
    }

    @Test
    void aWrongRecipeIsOneLine() throws IOException {
        Path recipe = Files.writeString(folder.resolve("e.yaml"), "name: e\nsedes: [1]\n");
        Outcome o = Outcome.of("experiment", recipe.toString());
        assertEquals(2, o.status());
        assertEquals("error: " + recipe + ": sedes: unknown key; did you mean seeds?", o.err().strip());
        assertEquals("error: nowhere.yaml: no such recipe", Outcome.of("experiment", "nowhere.yaml").err().strip());
    }
}
