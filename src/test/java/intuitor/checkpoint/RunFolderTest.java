package intuitor.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunFolderTest {

    @TempDir
    Path runs;

    @Test
    void namesItselfAfterTheFirstFreeNumber() throws IOException {
        Files.createFile(Files.createDirectory(runs.resolve("run-1")).resolve("config.yaml"));
        try (RunFolder folder = RunFolder.create(runs, null)) {
            assertEquals(runs.resolve("run-2"), folder.path());
        }
    }

    @Test
    void aRunIsNeverWrittenOver() throws IOException {
        try (RunFolder folder = RunFolder.create(runs, "a")) {
            Files.writeString(folder.config(), "");
        }
        String message = assertThrows(UserError.class, () -> RunFolder.create(runs, "a")).getMessage();
        assertTrue(message.contains("--resume " + runs.resolve("a")), message);
    }

    /** Killed between the creation of the folder and its settings. */
    @Test
    void aFolderWithoutARunIsTakenOver() throws IOException {
        Files.writeString(Files.createDirectory(runs.resolve("run-1")).resolve("config.yaml.tmp-0123abcd"), "half");
        Files.writeString(runs.resolve("run-1/origin.json"), "{}");
        try (RunFolder first = RunFolder.create(runs, null); RunFolder second = RunFolder.create(runs, null)) {
            assertEquals(runs.resolve("run-1"), first.path());
            assertEquals(List.of(".lock", "origin.json"), names(first.path()));
            assertEquals(runs.resolve("run-2"), second.path(), "the first is in use");
        }
        Files.createFile(Files.createDirectory(runs.resolve("notes")).resolve("mine.txt"));
        assertThrows(UserError.class, () -> RunFolder.create(runs, "notes"));
    }

    @Test
    void oneWriterAtATime() throws IOException {
        try (RunFolder folder = RunFolder.create(runs, "a")) {
            Files.writeString(folder.config(), "");
            assertTrue(assertThrows(UserError.class, () -> RunFolder.open(folder.path())).getMessage()
                    .contains("in use"));
        }
        RunFolder.open(runs.resolve("a")).close();
    }

    @Test
    void onlyAFolderWithSettingsIsARun() {
        assertTrue(assertThrows(UserError.class, () -> RunFolder.open(runs)).getMessage().contains("config.yaml"));
    }

    @Test
    void newestCheckpointsByNumberNotByName() throws IOException {
        try (RunFolder folder = RunFolder.create(runs, "a")) {
            assertTrue(folder.newestCheckpoint().isEmpty());
            for (int step : new int[] {9, 10, 100, 20}) {
                Files.createDirectory(folder.checkpoint(step));
            }
            Files.createDirectory(folder.path().resolve("checkpoint-999.tmp-0123abcd"));
            assertEquals(folder.checkpoint(100), folder.newestCheckpoint().orElseThrow());
            folder.keepNewest(0, step -> false);
            folder.keepNewest(2, step -> step == 9);
            assertEquals(List.of(9, 20, 100), folder.checkpointSteps());
            folder.forgetCheckpointsAfter(20);
            assertEquals(List.of(9, 20), folder.checkpointSteps());
        }
    }

    @Test
    void whatALostPartOfTheRunLeftIsRemoved() throws IOException {
        try (RunFolder folder = RunFolder.create(runs, "a")) {
            Files.writeString(folder.config(), "");
            Files.writeString(Files.createDirectory(folder.path().resolve("checkpoint-5.tmp-0123abcd"))
                    .resolve("model"), "half");
            for (int step = 1; step <= 4; step++) {
                Files.writeString(folder.completions(step), "");
            }
        }
        try (RunFolder folder = RunFolder.open(runs.resolve("a"))) {
            folder.forgetCompletionsAfter(2);
            assertEquals(List.of("step-000001.jsonl", "step-000002.jsonl"),
                    names(folder.path().resolve("completions")));
            assertEquals(List.of(".lock", "completions", "config.yaml"), names(folder.path()));
        }
    }

    @Test
    void origin(@TempDir Path files) throws IOException {
        Path model = Files.createDirectory(files.resolve("model"));
        Files.writeString(model.resolve("model.safetensors"), "weights");
        Path data = Files.writeString(files.resolve("prompts.jsonl"), "{}");
        Path problems = Files.writeString(files.resolve("problems.jsonl"), "{}");
        Files.writeString(model.resolve("config.json"), "{}");
        RunOrigin.of(model, data, problems, null, "portable").write(runs);
        RunOrigin origin = RunOrigin.read(runs);
        origin.requireModel();
        origin.requireData();
        Files.writeString(problems, "{} ");
        assertTrue(assertThrows(UserError.class, origin::requireData).getMessage()
                .contains("problems.jsonl have changed"));
        Files.writeString(problems, "{}");
        Files.writeString(model.resolve("chat_template.jinja"), "");
        assertTrue(assertThrows(UserError.class, origin::requireModel).getMessage()
                .contains("chat_template.jinja has changed"));
        Files.delete(model.resolve("chat_template.jinja"));
        Files.writeString(data, "{} ");
        assertTrue(assertThrows(UserError.class, origin::requireData).getMessage().contains("have changed"));
        Files.delete(data);
        assertTrue(assertThrows(UserError.class, origin::requireData).getMessage().contains("gone"));
        Files.writeString(model.resolve("model.safetensors"), "Weights");
        assertTrue(assertThrows(UserError.class, origin::requireModel).getMessage().contains("has changed"));
        Files.delete(model.resolve("model.safetensors"));
        Files.delete(model.resolve("config.json"));
        Files.delete(model);
        assertTrue(assertThrows(UserError.class, origin::requireModel).getMessage().contains("gone"));
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.map(e -> e.getFileName().toString()).sorted().toList();
        }
    }
}
