package intuitor.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import intuitor.UserError;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);

    @Test
    void metricsAreALineAStepAndCutOffWhereACheckpointWas(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("metrics.jsonl");
        long length;
        try (MetricsLog log = MetricsLog.open(file, 0)) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("step", 1);
            line.put("completions/mean_length", 2.5);
            line.put("kl", Double.NaN);
            log.append(line);
            length = log.sync();
            log.append(Map.of("step", 2));
        }
        assertEquals("{\"step\":1,\"completions/mean_length\":2.5,\"kl\":null}\n{\"step\":2}\n",
                Files.readString(file));
        try (MetricsLog log = MetricsLog.open(file, length)) {
            log.append(Map.of("step", 3));
        }
        assertEquals("{\"step\":1,\"completions/mean_length\":2.5,\"kl\":null}\n{\"step\":3}\n",
                Files.readString(file));
    }

    @Test
    void metricsThatCannotBeReadAreSaidInALine(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("metrics.jsonl"), "{\"step\":1}\n{\"step\":\n");
        String damaged = assertThrows(UserError.class, () -> MetricsLog.read(file)).getMessage();
        assertEquals(file + ": a line is not valid JSON: ", damaged.substring(0, damaged.indexOf("JSON: ") + 6));
        assertEquals(1, damaged.lines().count(), damaged);
        Path taken = Files.createDirectory(folder.resolve("taken"));
        String unreadable = assertThrows(UserError.class, () -> MetricsLog.read(taken)).getMessage();
        assertEquals("cannot read " + taken + ": Is a directory", unreadable);
    }

    @Test
    void progressOnATerminalIsOneLine() {
        ProgressLine line = new ProgressLine(out, true, 120);
        line.update("step 1", false);
        line.update("step 2", true);
        line.message("saved");
        line.update("step 3", false);
        line.end();
        line.end();
        assertEquals("\r\u001b[Kstep 1\r\u001b[Kstep 2\r\u001b[Ksaved\n\r\u001b[Kstep 3\n", text());
    }

    @Test
    void aLiveLineStaysOnOneRowOfTheTerminal() {
        ProgressLine line = new ProgressLine(out, true, 8);
        line.update("step 1 of 1000", false);
        line.message("messages may be longer");
        assertEquals("\r\u001b[Kstep 1 \r\u001b[Kmessages may be longer\n", text());
    }

    @Test
    void progressElsewhereIsALineNowAndThen() {
        ProgressLine line = new ProgressLine(out, false, 120);
        line.update("step 1", false);
        line.update("step 2", true);
        line.message("saved");
        line.end();
        assertEquals("step 2\nsaved\n", text());
    }

    @Test
    void table() {
        assertEquals("""
                         before  after
                ----------------------
                greedy     0.41    0.8
                sampled  0.3947
                """,
                new Table("", "before", "after").row("greedy", "0.41", "0.8").row("sampled", "0.3947", "").toString());
        assertThrows(IllegalArgumentException.class, () -> new Table("a", "b").row("c"));
    }

    @Test
    void durations() {
        assertEquals("0:07 12:34 1:02:03", Durations.text(7.2) + " " + Durations.text(754) + " "
                + Durations.text(3723));
    }

    private String text() {
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
