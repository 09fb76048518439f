package intuitor.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import intuitor.recipe.Recipe;
import intuitor.report.MetricsLog;
import intuitor.report.ProgressLine;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A tiny model at a learning rate at which its completions begin to repeat themselves, and what is done about it. */
class RunMonitorTest {

    private static final int STEPS = 24;

    @TempDir
    static Path files;

    private static Path base;
    private static Path data;

    @BeforeAll
    static void makeBaseModel() throws IOException {
        base = TinyBase.write(files.resolve("base"));
        data = TinyBase.prompts(files.resolve("prompts.jsonl"), 10);
    }

    @Test
    void aWarningIsGivenOnceAndLogged() throws IOException {
        String said = start("warned", Map.of());
        List<Map<String, Object>> log = log("warned");
        assertEquals(STEPS, log.size());
        int step = alarmStep(log);
        assertTrue(step > 8 && step < 20, "step " + step);
        List<String> logged = log.stream().flatMap(m -> events(m).stream()
                .map(e -> "warning: step " + m.get("step") + ": " + e.get("hazard") + ": " + e.get("message")))
                .toList();
        assertEquals(logged, said.lines().filter(l -> l.startsWith("warning: ")).toList());
        assertEquals(logged.size(), logged.stream().map(l -> l.split(": ")[2]).distinct().count(), "" + logged);
        String shown = "  ! " + events(log.get(step - 1)).getFirst().get("hazard");
        assertTrue(said.lines().anyMatch(l -> l.startsWith("step " + (step + 1) + "/") && l.contains(shown)), said);
        assertFalse(log.getLast().containsKey("monitor/beta"));
    }

    /** The probe changes nothing but its own metrics. */
    @Test
    void theProbeLooksWhenItIsDue() throws IOException {
        start("unprobed", Map.of("max_steps", "6"));
        start("probed", Map.of("max_steps", "6", "probe_data", data.toString(), "probe_steps", "2",
                "probe_prompts", "3", "probe_samples", "5"));
        List<Map<String, Object>> log = log("probed");
        for (int step = 1; step <= 6; step++) {
            assertEquals(step % 2 == 1, log.get(step - 1).containsKey("monitor/probe/accuracy"), "step " + step);
        }
        assertEquals(15, log.getFirst().get("monitor/probe/completions"));
        assertSameModel("unprobed", "probed");
    }

    @Test
    void stopLeavesACheckpointAndTheWayOn() throws IOException {
        start("unstopped", Map.of());
        int step = alarmStep(log("unstopped"));
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        RunResult stopped = GrpoRun.start(config("stopped", Map.of("on_hacking", "stop")), lines(said),
                new StopSignal());
        assertEquals(RunResult.End.HACKING, stopped.end());
        assertEquals(step, stopped.step());
        assertTrue(Files.exists(run("stopped").resolve("checkpoint-" + step)));
        assertTrue(text(said).contains("stopping, as on_hacking says"), text(said));
        // who goes on has seen the warning: the same episode does not stop the run again
        RunResult resumed = GrpoRun.resume(run("stopped"), lines(said), new StopSignal());
        while (!resumed.finished()) {
            assertTrue(log("stopped").getLast().containsKey("monitor/events"));
            resumed = GrpoRun.resume(run("stopped"), lines(said), new StopSignal());
        }
        assertSameModel("unstopped", "stopped");
        assertEquals(untimed("unstopped"), untimed("stopped"));
    }

    /** The policy is that of the last checkpoint before the evidence; the prompts go on, at half the learning rate. */
    @Test
    void rollbackReturnsToASoundCheckpoint() throws IOException {
        String said = start("rolled", Map.of("on_hacking", "rollback"));
        List<Map<String, Object>> log = log("rolled");
        int step = alarmStep(log);
        int to = (int) log.get(step - 1).get("monitor/rollback_to");
        assertEquals((step - 4) / 2 * 2, to);
        assertTrue(said.contains("back to checkpoint-" + to), said);
        assertEquals((double) log.get(step - 1).get("learning_rate") / 2, log.get(step).get("learning_rate"));
        // a policy like that of the checkpoint again, not like the one that was given up
        double kl = (double) log.get(step).get("kl");
        assertTrue(kl < ((double) log.get(to).get("kl") + (double) log.get(step - 1).get("kl")) / 2, "kl " + kl);
        assertEquals(STEPS, (int) log.getLast().get("step"));
    }

    /** Where the first checkpoint comes after the alarm, the base is what is left. */
    @Test
    void rollbackWithoutACheckpointReturnsToTheBase() throws IOException {
        String said = start("rebased", Map.of("on_hacking", "rollback", "save_steps", "20"));
        List<Map<String, Object>> log = log("rebased");
        int step = alarmStep(log);
        assertEquals(0, log.get(step - 1).get("monitor/rollback_to"));
        assertTrue(said.contains("back to the base model"), said);
        assertEquals(0, (double) log.get(step).get("kl"), 1e-6);
    }

    @Test
    void raisedBetaCountsFromTheNextStep() throws IOException {
        String said = start("raised", Map.of("on_hacking", "raise-beta", "beta", "0.02"));
        List<Map<String, Object>> log = log("raised");
        int step = alarmStep(log);
        assertEquals(0.02, log.get(step - 1).get("monitor/beta"));
        assertEquals(0.2, (double) log.get(step).get("monitor/beta"), 1e-12);
        assertTrue(said.contains("beta raised to 0.2"), said);
        // the same policy and completions in both runs; completions of one length, so the loss differs by beta times KL
        start("unraised", Map.of("beta", "0.02"));
        Map<String, Object> raised = log.get(step);
        Map<String, Object> unraised = log("unraised").get(step);
        assertEquals(unraised.get("kl"), raised.get("kl"));
        assertEquals(12.0, raised.get("completions/min_length"));
        double kl = (double) raised.get("kl");
        assertEquals(0.18 * kl, (double) raised.get("loss") - (double) unraised.get("loss"), 1e-3 * kl);
    }

    /** Stopped after every single step, and so before, at and after whatever the monitor does. */
    @ParameterizedTest
    @ValueSource(strings = {"warn", "rollback", "raise_beta"})
    void aRunThatIsStoppedAgainAndAgainEndsWithTheSameBits(String action) throws IOException {
        Map<String, String> settings = Map.of("on_hacking", action, "probe_data", data.toString(), "probe_steps", "3",
                "probe_prompts", "2", "probe_samples", "2", "save_total_limit", "1");
        start("straight-" + action, settings);
        StopSignal stop = new StopSignal();
        RunResult result = GrpoRun.start(config("halting-" + action, settings), stopAfterStep(stop), stop);
        int starts = 1;
        while (!result.finished()) {
            StopSignal again = new StopSignal();
            result = GrpoRun.resume(run("halting-" + action), stopAfterStep(again), again);
            starts++;
        }
        assertTrue(starts >= STEPS, starts + " starts");
        assertTrue(log("straight-" + action).stream().anyMatch(m -> m.containsKey("monitor/events")));
        assertSameModel("straight-" + action, "halting-" + action);
        assertEquals(untimed("straight-" + action), untimed("halting-" + action));
    }

    @Test
    void whatCannotWorkIsRefused() {
        assertMessage("--on-hacking: rollback needs checkpoints", Map.of("on_hacking", "rollback", "save_steps", "0"));
        assertMessage("--on-hacking: raise_beta needs a beta above 0", Map.of("on_hacking", "raise_beta", "beta", "0"));
        assertMessage("probe.jsonl: no such file", Map.of("probe_data", "probe.jsonl"));
        assertFalse(Files.exists(run("bad")));
    }

    private void assertMessage(String part, Map<String, String> settings) {
        String message = assertThrows(UserError.class, () -> start("bad", settings)).getMessage();
        assertTrue(message.contains(part), message);
    }

    @SuppressWarnings("unchecked")
    private static List<Map<String, String>> events(Map<String, Object> metrics) {
        return (List<Map<String, String>>) metrics.getOrDefault("monitor/events", List.of());
    }

    private static int alarmStep(List<Map<String, Object>> log) {
        return IntStream.range(0, log.size()).filter(i -> log.get(i).containsKey("monitor/events")).findFirst()
                .orElseThrow() + 1;
    }

    private String start(String name, Map<String, String> settings) {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        assertTrue(GrpoRun.start(config(name, settings), lines(said), new StopSignal()).finished());
        return text(said);
    }

    private static ProgressLine lines(ByteArrayOutputStream said) {
        return new ProgressLine(new PrintStream(said, true, StandardCharsets.UTF_8), false, 120);
    }

    private static String text(ByteArrayOutputStream said) {
        return said.toString(StandardCharsets.UTF_8);
    }

    /** Requests a stop as soon as the progress line tells of a step. */
    private static ProgressLine stopAfterStep(StopSignal stop) {
        ByteArrayOutputStream seen = new ByteArrayOutputStream();
        return new ProgressLine(new PrintStream(seen, true, StandardCharsets.UTF_8) {
            @Override
            public void println(String line) {
                super.println(line);
                if (line.startsWith("step ")) {
                    stop.request();
                }
            }
        }, false, 120);
    }

    private static void assertSameModel(String expected, String actual) throws IOException {
        assertArrayEquals(Files.readAllBytes(run(expected).resolve("final/model.safetensors")),
                Files.readAllBytes(run(actual).resolve("final/model.safetensors")));
    }

    private static List<Map<String, Object>> log(String name) {
        return MetricsLog.read(run(name).resolve("metrics.jsonl"));
    }

    private static List<Map<String, Object>> untimed(String name) {
        return log(name).stream().map(m -> m.entrySet().stream()
                .filter(e -> !e.getKey().contains("time") && !e.getKey().equals("tokens_per_second"))
                .collect(Collectors.toMap(Map.Entry::getKey, e -> (Object) String.valueOf(e.getValue())))).toList();
    }

    private static Path run(String name) {
        return files.resolve("runs").resolve(name);
    }

    private GrpoConfig config(String name, Map<String, String> settings) {
        Map<String, String> all = new TreeMap<>(Map.ofEntries(Map.entry("model", base.toString()),
                Map.entry("data", data.toString()), Map.entry("output_dir", files.resolve("runs").toString()),
                Map.entry("run_name", name), Map.entry("max_steps", "" + STEPS), Map.entry("prompts_per_step", "4"),
                Map.entry("num_generations", "4"), Map.entry("max_completion_length", "12"),
                Map.entry("learning_rate", "3e-2"), Map.entry("lr_scheduler_type", "constant"),
                Map.entry("save_steps", "2"), Map.entry("threads", "1"), Map.entry("device", "cpu"),
                Map.entry("logging_steps", "1"), Map.entry("log_completions", "false")));
        all.putAll(settings);
        return Recipe.read(GrpoConfig.class, null, all);
    }
}
