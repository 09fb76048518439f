package intuitor.experiment;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import intuitor.checkpoint.FolderLock;
import intuitor.experiment.report.ExperimentReport;
import intuitor.recipe.Recipe;
import intuitor.report.ProgressLine;
import intuitor.train.GrpoConfig;
import intuitor.train.GrpoRun;
import intuitor.train.StopSignal;
import intuitor.train.TinyBase;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExperimentRunTest {

    private static final ProgressLine SILENT =
            new ProgressLine(new PrintStream(OutputStream.nullOutputStream()), false, 80);

    @TempDir
    Path folder;
    private Path recipe;

    @BeforeEach
    void aSmallExperiment() throws IOException {
        Path model = TinyBase.write(folder.resolve("base"));
        Path data = TinyBase.prompts(folder.resolve("prompts.jsonl"), 20);
        Path task = Files.copy(data, folder.resolve("task.jsonl"));
        recipe = Files.writeString(folder.resolve("e.yaml"), """
                name: e
                output_dir: %s
                parallel: 2
                seeds: [1, 2]
                train:
                  model: %s
                  data: %s
                  max_steps: 3
                  prompts_per_step: 2
                  num_generations: 2
                  max_completion_length: 6
                  save_steps: 1
                  logging_steps: 1
                  eval_prompts: 4
                  eval_samples: 2
                  threads: 1
                tasks: {sums: %s}
                comparisons:
                  - name: KL
                    grid: {beta: [0, 0.1]}
                """.formatted(folder, model, data, task));
    }

    /** Trains in this process; notes what it was asked. */
    private static class InProcess implements Trainer {

        final List<String> asked = Collections.synchronizedList(new ArrayList<>());

        @Override
        public int train(List<String> arguments, Path log, BooleanSupplier stop) {
            boolean resumes = arguments.getFirst().equals("--resume");
            asked.add(resumes ? "resume" : "start");
            StopSignal signal = new StopSignal();
            if (stop.getAsBoolean()) {
                signal.request();
            }
            if (resumes) {
                GrpoRun.resume(Path.of(arguments.get(1)), SILENT, signal);
            } else {
                assertEquals("--memory-utilization", arguments.get(1));
                GrpoRun.start(Recipe.read(GrpoConfig.class, Path.of(arguments.getFirst()),
                        Map.of("memory_utilization", arguments.get(2))), SILENT, signal);
            }
            return 0;
        }
    }

    @Test
    void allRunsAreMadeEvaluatedAndReported() throws IOException {
        Experiment experiment = experiment("e");
        assertEquals(new ExperimentRun.Outcome(4, 4, Map.of()), run(experiment, new InProcess(), () -> false));
        Path made = experiment.folder().path();
        for (String name : List.of("beta-0-seed-1", "beta-0.1-seed-1", "beta-0-seed-2", "beta-0.1-seed-2")) {
            assertTrue(Files.exists(made.resolve("runs").resolve(name).resolve("final/model.safetensors")), name);
            Evaluations evaluations = Evaluations.read(made.resolve("evaluations/" + name + ".json"));
            assertEquals(8, evaluations.tasks().get("sums").sampled().size(), name);
            assertEquals(4, evaluations.tasks().get("sums").greedy().size(), name);
            assertTrue(Files.readString(made.resolve("runs").resolve(name).resolve("config.yaml"))
                    .contains("memory_utilization: 0.425\n"), "two share the memory");
        }
        assertTrue(Files.exists(made.resolve("evaluations/base-seed-2.json")));

        ExperimentReport report = ExperimentReport.write(experiment);
        assertEquals(List.of(), report.complaints());
        String markdown = Files.readString(made.resolve("report.md"));
        assertTrue(markdown.contains("## KL") && markdown.contains("| beta 0.1 | 2 |")
                && markdown.contains("(pictures/KL-kl.png)"), markdown);
        String html = Files.readString(report.html());
        assertFalse(html.contains("src=\"pictures") || !html.contains("src=\"data:image/png;base64,"), "stands alone");
        assertEquals(1 + 3 * 2 * 2, Files.readAllLines(made.resolve("results.csv")).size());
        assertTrue(Files.readString(made.resolve("curves.csv")).contains("KL,beta 0.1,accuracy,3,2,"));
    }

    @Test
    void whatIsDoneIsKeptAndWhatWasStoppedGoesOnToTheSameBits() throws IOException {
        run(experiment("whole"), new InProcess(), () -> false);

        Experiment experiment = experiment("stopped");
        StopSignal stop = new StopSignal();
        InProcess stopping = new InProcess() {
            @Override
            public int train(List<String> arguments, Path log, BooleanSupplier ignored) {
                if (asked.size() == 1) {
                    stop.request(); // while the second run is being made
                }
                return super.train(arguments, log, stop);
            }
        };
        assertTrue(run(one(experiment), stopping, stop).finished() < 4);
        FileTimes done = new FileTimes(experiment.folder());
        assertTrue(done.finished() >= 1);

        InProcess second = new InProcess();
        assertEquals(new ExperimentRun.Outcome(4, 4, Map.of()), run(experiment, second, () -> false));
        assertTrue(second.asked.contains("resume"), second.asked.toString());
        assertEquals(4 - done.finished(), second.asked.size());
        done.assertUntouched();
        for (PlannedRun run : experiment.runs()) {
            Path whole = folder.resolve("whole/runs").resolve(run.name());
            assertArrayEquals(Files.readAllBytes(whole.resolve("final/model.safetensors")),
                    Files.readAllBytes(experiment.folder().run(run).resolve("final/model.safetensors")), run.name());
        }
    }

    @Test
    void aRunThatFailsIsNotedAndTheOthersGoOn() throws IOException {
        Experiment experiment = experiment("e");
        InProcess failing = new InProcess() {
            @Override
            public int train(List<String> arguments, Path log, BooleanSupplier stop) {
                if (arguments.getFirst().contains("beta-0.1-seed-2")) {
                    try {
                        Files.writeString(log, "step 1\nerror: diverged\ngo on: train --resume x\n");
                    } catch (IOException e) {
                        throw new IllegalStateException(e);
                    }
                    return 2;
                }
                return super.train(arguments, log, stop);
            }
        };
        ExperimentRun.Outcome outcome = run(experiment, failing, () -> false);
        assertEquals(3, outcome.finished());
        assertEquals(Map.of("beta-0.1-seed-2", "train ended with status 2: error: diverged ("
                + experiment.folder().path().resolve("logs/beta-0.1-seed-2.log") + ")"), outcome.failed());
        ExperimentReport.write(experiment);
        String report = Files.readString(experiment.folder().path().resolve("report.md"));
        assertTrue(report.contains("3 of 4 runs are in this report"), report);
    }

    @Test
    void problemsThatCannotBeUsedAreSaidBeforeAnythingIsTrained() throws IOException {
        Path unanswered = Files.writeString(folder.resolve("u.jsonl"), "{\"prompt\":\"1 + 1 =\"}\n");
        Files.writeString(recipe,
                Files.readString(recipe).replaceFirst("tasks: .*", "tasks: {sums: " + unanswered + "}"));
        InProcess trainer = new InProcess();
        UserError refused = assertThrows(UserError.class, () -> run(experiment("e"), trainer, () -> false));
        assertTrue(refused.getMessage().startsWith(unanswered + ":1: no \"answer\""), refused.getMessage());
        assertEquals(List.of(), trainer.asked);
    }

    @Test
    void otherSettingsUnderTheSameNameAreRefused() throws IOException {
        run(experiment("e"), new InProcess(), () -> false);
        Files.writeString(recipe, Files.readString(recipe).replace("max_steps: 3", "max_steps: 4"));
        UserError refused =
                assertThrows(UserError.class, () -> run(experiment("e"), new InProcess(), () -> false));
        assertTrue(refused.getMessage().contains("begun with other settings than the recipe now has"),
                refused.getMessage());
    }

    /** The memory decides them where the recipe does not, and no recipe of earlier days left them open. */
    @Test
    void whatTheMemoryDecidesIsNoOtherSetting() throws IOException {
        run(experiment("e"), new InProcess(), () -> false);
        Experiment experiment = experiment("e");
        for (PlannedRun run : experiment.runs()) {
            Path begun = experiment.folder().recipe(run);
            Files.writeString(begun, Files.readString(begun).replace("kv_cache_mib: 0\n", "kv_cache_mib: 2048\n")
                    .replace("micro_batch_tokens: 0\n", "micro_batch_tokens: 16384\n"));
        }
        assertEquals(new ExperimentRun.Outcome(4, 4, Map.of()), run(experiment, new InProcess(), () -> false));
        assertEquals(List.of(), ExperimentReport.write(experiment).complaints());

        for (String given : List.of("kv_cache_mib: 7", "micro_batch_tokens: 7")) {
            String before = Files.readString(recipe);
            Files.writeString(recipe, before.replace("  threads: 1\n", "  threads: 1\n  " + given + "\n"));
            UserError refused =
                    assertThrows(UserError.class, () -> run(experiment("e"), new InProcess(), () -> false), given);
            assertTrue(refused.getMessage().contains("begun with other settings"), refused.getMessage());
            Files.writeString(recipe, before);
        }
    }

    /** Results stay results where what a run began with is gone, or was written by another version. */
    @Test
    void aReportSaysWhereNobodyKnowsWhatARunBeganWith() throws IOException {
        Experiment experiment = experiment("e");
        run(experiment, new InProcess(), () -> false);
        List<Path> begun = experiment.runs().stream().map(experiment.folder()::recipe).toList();
        Files.delete(begun.getFirst());
        Files.writeString(begun.get(1), Files.readString(begun.get(1)) + "a_key_of_old: 1\n");
        Files.delete(experiment.folder().run(experiment.runs().getLast()).resolve("origin.json"));
        assertEquals(List.of("changed since 2 of the 4 runs in this report were made: settings in " + recipe,
                "changed since 1 of the 4 runs in this report were made: what they began with (origin.json is missing "
                        + "or damaged)"), ExperimentReport.write(experiment).complaints());
    }

    /** Contents count, not names: what was made from others must not be reported beside what is made now. */
    @Test
    void whatHasChangedSinceIsNotMixedWithWhatWasMadeBefore() throws IOException {
        InProcess first = new InProcess();
        run(experiment("e"), first, () -> false);
        Experiment experiment = experiment("e");
        Path task = experiment.tasks().get("sums");
        Path evaluation = experiment.folder().evaluation(experiment.runs().getFirst().name());
        Evaluations before = Evaluations.read(evaluation);
        List<String> problems = Files.readAllLines(task);
        Files.write(task, problems.reversed());
        InProcess again = new InProcess();
        run(experiment("e"), again, () -> false);
        assertEquals(List.of(), again.asked, "the runs never saw the problems of the task");
        assertNotEquals(before.tasksSha256(), Evaluations.read(evaluation).tasksSha256());
        assertEquals(before.baseSha256(), Evaluations.read(evaluation).baseSha256());

        Files.write(task, problems);
        ExperimentReport report = ExperimentReport.write(experiment("e"));
        assertEquals(List.of("changed since 4 of the 4 runs in this report were made: " + task), report.complaints());
        assertTrue(Files.readString(experiment.folder().path().resolve("report.md")).contains("**Note:** changed since "
                + "4 of the 4 runs in this report were made: " + task + ".\n"));

        Path data = experiment.shared().data();
        Files.writeString(data, Files.readString(data) + "{\"prompt\":\"1 + 1 =\"}\n");
        UserError refused =
                assertThrows(UserError.class, () -> run(experiment("e"), new InProcess(), () -> false));
        assertTrue(refused.getMessage().endsWith("was made before " + data + " changed; put the old one back, or "
                + "remove the run"), refused.getMessage());
        assertTrue(ExperimentReport.write(experiment("e")).complaints()
                .contains("changed since 4 of the 4 runs in this report were made: " + data));
        Files.writeString(recipe, Files.readString(recipe).replace("max_steps: 3", "max_steps: 4"));
        assertTrue(ExperimentReport.write(experiment("e")).complaints()
                .contains("changed since 4 of the 4 runs in this report were made: settings in " + recipe));
    }

    @Test
    void oneProcessAtATimeAndNothingToReportBeforeARun() throws IOException {
        Experiment experiment = experiment("e");
        assertTrue(assertThrows(UserError.class, () -> ExperimentReport.write(experiment)).getMessage()
                .endsWith("no run is finished yet; there is nothing to report"));
        try (FolderLock lock = experiment.folder().take()) {
            UserError refused =
                    assertThrows(UserError.class, () -> run(experiment, new InProcess(), () -> false));
            assertTrue(refused.getMessage().endsWith("is in use: another process runs this experiment"),
                    refused.getMessage());
        }
    }

    private Experiment experiment(String name) {
        return ExperimentRecipe.read(recipe, Map.of("name", name));
    }

    /** One run at a time. */
    private Experiment one(Experiment experiment) {
        return ExperimentRecipe.read(recipe, Map.of("name", experiment.settings().name(), "parallel", "1"));
    }

    private static ExperimentRun.Outcome run(Experiment experiment, Trainer trainer, BooleanSupplier stop) {
        return new ExperimentRun(experiment, trainer, SILENT, stop).run();
    }

    /** When the final models of the finished runs were written. */
    private static final class FileTimes {

        private final Map<Path, Object> times = new HashMap<>();

        FileTimes(ExperimentFolder experiment) throws IOException {
            try (Stream<Path> runs = Files.list(experiment.runs())) {
                for (Path run : runs.filter(r -> Files.exists(r.resolve("summary.json"))).toList()) {
                    times.put(run.resolve("summary.json"), Files.getLastModifiedTime(run.resolve("summary.json")));
                }
            }
        }

        int finished() {
            return times.size();
        }

        void assertUntouched() throws IOException {
            for (Map.Entry<Path, Object> file : times.entrySet()) {
                assertEquals(file.getValue(), Files.getLastModifiedTime(file.getKey()), file.getKey().toString());
            }
        }
    }
}
