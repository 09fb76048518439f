package intuitor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.recipe.KeySpec;
import intuitor.recipe.Recipe;
import intuitor.train.GrpoConfig;
import intuitor.train.TinyBase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainCommandTest {

    @TempDir
    Path folder;

    @Test
    void everyKeyOfARecipeIsAFlag() {
        String help = Outcome.of("train", "--help").out();
        for (KeySpec key : Recipe.keys(GrpoConfig.class)) {
            assertTrue(help.contains(key.flag() + "="), key.flag());
        }
    }

    @Test
    void aRunFromRecipeAndFlags() throws IOException {
        Path model = Files.createDirectory(folder.resolve("model"));
        TinyModel.write(model);
        Path prompts = Files.writeString(folder.resolve("p.jsonl"), "{\"prompt\": \"12 + 34 =\"}\n"
                + "{\"prompt\": \"7 * 8 =\"}\n");
        Path problems = Files.writeString(folder.resolve("e.jsonl"),
                "{\"prompt\": \"12 + 34 =\", \"answer\": \"46\"}\n");
        Path recipe = Files.writeString(folder.resolve("r.yaml"), """
                model: %s
                data: %s
                eval_data: %s
                output_dir: %s
                max_steps: 5
                prompts_per_step: 2
                num_generations: 2
                max_completion_length: 6
                threads: 1
                """.formatted(model, prompts, problems, folder.resolve("runs")));
        Outcome o = Outcome.of("train", recipe.toString(), "--max-steps", "2", "--run-name", "first");
        assertEquals(0, o.status(), o.err());
        assertTrue(o.out().contains("held-out accuracy") && o.out().contains("greedy (1)"), o.out());
        Path run = folder.resolve("runs/first");
        assertEquals(2, Files.readAllLines(run.resolve("metrics.jsonl")).size());
        assertTrue(Files.exists(run.resolve("final/model.safetensors")));
        Outcome again = Outcome.of("train", "--resume", run.toString());
        assertEquals("error: " + run + " is finished: there is nothing to resume", again.err().strip());
        assertEquals(2, again.status());
    }

    @Test
    void aFlagHoldsAListWhoseItemsHaveCommas() throws IOException {
        Path base = TinyBase.write(folder.resolve("base"));
        Path prompts = TinyBase.prompts(folder.resolve("p.jsonl"), 10);
        Outcome o = Outcome.of("train", "--model", base.toString(), "--data", prompts.toString(), "--dry-run",
                "--device", "cpu", "--max-completion-length", "8", "--stop-strings", "[\"a, b\", \"\\n\"]");
        assertEquals(0, o.status(), o.err());
        assertTrue(o.out().contains("\"a, b\", \"\\n\""), o.out());
    }

    /** A script can tell a run that was stopped from one that came to its end. */
    @Test
    void theMonitorsStopHasItsOwnStatus() throws IOException {
        Path base = TinyBase.write(folder.resolve("base"));
        Path prompts = TinyBase.prompts(folder.resolve("p.jsonl"), 10);
        Outcome o = Outcome.of("train", "--model", base.toString(), "--data", prompts.toString(), "--output-dir",
                folder.toString(), "--run-name", "r", "--max-steps", "24", "--prompts-per-step", "4",
                "--num-generations", "4", "--max-completion-length", "12", "--learning-rate", "3e-2",
                "--lr-scheduler-type", "constant", "--threads", "1", "--device", "cpu", "--on-hacking", "stop");
        assertEquals(3, o.status(), o.err());
        assertTrue(o.err().matches("(?s).*stopped by the monitor after step \\d+ of 24\\Rgo on: .*"), o.err());
        try (Stream<Path> files = Files.list(folder.resolve("r"))) {
            assertTrue(files.anyMatch(file -> file.getFileName().toString().startsWith("checkpoint-")));
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --model x                               | data is missing
            --learning-rate fast                    | --learning-rate: expected a number, found 'fast'
            --num-generations 1                     | --num-generations: expected a whole number in [2, 65535]
            --adam-epsilon 1e-50                    | --adam-epsilon: expected a number
            --adam-beta2 0.99999999                 | --adam-beta2: expected a number
            --top-p 1e-50                           | --top-p: expected a number
            --temperature 1e-50                     | --temperature: expected a number
            --learning-rate 1e39                    | --learning-rate: expected a number
            --loss-type mean                        | --loss-type: expected grpo
            --dtype half                            | --dtype: expected auto, float32, bfloat16, found 'half'
            --model x --data x --eval-tasks gsm8k   | eval_steps and eval_tasks: give both, or neither
            --model x --data x --eval-tasks gsm8k --eval-steps 5 | --eval-tasks: needs eval_tasks_data
            --model x --data x --eval-tasks gsm --eval-steps 5 | --eval-tasks: no task 'gsm'; there are gsm8k
            --model x --data x --eval-samples 2     | --eval-samples: does nothing without eval_data
            --probe-steps 5                         | --probe-steps: does nothing without probe_data
            --num-train-epochs 2                    | --num-train-epochs: does nothing without max_steps: -1
            --format-pattern x                      | --format-pattern: does nothing without reward_funcs: format
            --per-device-train-batch-size 4         | does nothing without loss_type: bnpo
            nothing.yaml                            | nothing.yaml: no such recipe
            --resume nothing                        | nothing
            --resume nothing --seed 3               | leave out --seed
            --learning-rte 3                        | did you mean --learning-rate
            """)
    void errorsAreOneLine(String arguments, String message) {
        Outcome o = Outcome.of(("train " + arguments).split(" "));
        assertEquals(2, o.status());
        assertTrue(o.err().startsWith("error: ") && o.err().contains(message), o.err());
        assertEquals(1, o.err().lines().count());
    }
}
