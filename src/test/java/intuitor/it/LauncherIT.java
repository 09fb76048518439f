package intuitor.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code java -jar} from a folder that is not the project's, under a new and an old Java. */
class LauncherIT {

    private static final String JAR = System.getProperty("intuitor.jar");
    private static final String NEW_JAVA = System.getProperty("java.home");
    private static final int OLD = 21;
    private static final long WAIT_SECONDS = 120;

    @TempDir
    Path elsewhere;

    private record Outcome(int status, String out, String err) { }

    private String oldJava;

    @BeforeEach
    void findOldJava() throws IOException {
        oldJava = oldJava();
    }

    @Test
    void newJavaRunsTheProgramInItsOwnProcess() throws Exception {
        Outcome o = run(Map.of(), NEW_JAVA + "/bin/java", "-jar", JAR, "--version");
        assertEquals(0, o.status(), o.err());
        assertTrue(o.out().matches("intuitor \\d.*\\R"), o.out());
        assertEquals("", o.err()); // no warning of restricted native access either
    }

    @Test
    void theExitStatusIsTheProgramsOwn() throws Exception {
        assertEquals(2, run(Map.of(), NEW_JAVA + "/bin/java", "-jar", JAR, "tarin").status());
    }

    @Test
    void oldJavaFindsANewerOne() throws Exception {
        requireOldJava();
        Outcome o = run(Map.of("INTUITOR_JAVA_HOME", NEW_JAVA), oldJava, "-jar", JAR, "--version");
        assertEquals(0, o.status(), o.err());
        assertTrue(o.out().matches("intuitor \\d.*\\R"), o.out());
        assertEquals(2, run(Map.of("INTUITOR_JAVA_HOME", NEW_JAVA), oldJava, "-jar", JAR, "tarin").status());
    }

    @Test
    void anOldJavaPassesOnTheSizeOfTheHeap() throws Exception {
        requireOldJava();
        Outcome o = run(Map.of("INTUITOR_JAVA_HOME", NEW_JAVA), oldJava, "-Xmx410m", "-jar", JAR, "doctor");
        assertTrue(o.out().contains("Java's heap may take 0.4 GiB"), o.out() + o.err());
    }

    @Test
    void withoutANewerJavaOneLineSaysWhatIsNeeded() throws Exception {
        requireOldJava();
        Outcome o = run(Map.of("INTUITOR_JAVA_HOME", elsewhere.toString()), oldJava, "-jar", JAR, "--version");
        assertEquals(2, o.status());
        assertTrue(o.err().matches("error: intuitor needs Java 22 or newer.*\\R"), o.err());
        assertEquals("", o.out());
    }

    @Test
    void ctrlCWritesACheckpointAndSaysHowToGoOn() throws Exception {
        interruptTraining(NEW_JAVA + "/bin/java", Map.of(), "INT", 130);
    }

    @Test
    void anOldJavaPassesTheSignalOnAndWaitsForTheCheckpoint() throws Exception {
        requireOldJava();
        interruptTraining(oldJava, Map.of("INTUITOR_JAVA_HOME", NEW_JAVA), "TERM", 143);
    }

    private void interruptTraining(String java, Map<String, String> environment, String signal, int status)
            throws Exception {
        Process process = start(environment, java, "-jar", JAR, "train", "--max-steps", "100000", "--save-steps", "0",
                "--prompts-per-step", "2", "--num-generations", "2", "--max-completion-length", "8", "--eval-on-start",
                "false", "--threads", "1");
        Path metrics = elsewhere.resolve("runs/run-1/metrics.jsonl");
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
        while (!(Files.exists(metrics) && Files.size(metrics) > 0)) {
            assertTrue(process.isAlive() && System.nanoTime() < deadline, "no step was made: " + text("err"));
            Thread.sleep(50);
        }
        assertEquals(0, new ProcessBuilder("kill", "-" + signal, "" + process.pid()).start().waitFor());
        Outcome o = outcome(process);
        assertEquals(status, o.status(), o.err());
        assertTrue(o.err().contains(" train --resume runs/run-1"), o.err());
        try (Stream<Path> files = Files.list(elsewhere.resolve("runs/run-1"))) {
            assertTrue(files.anyMatch(f -> f.getFileName().toString().matches("checkpoint-\\d+")), "no checkpoint");
        }
    }

    private void requireOldJava() {
        if (oldJava == null) {
            System.err.println("skipped: no Java of version 8 to " + OLD
                    + " in /usr/lib/jvm to test the launcher with");
            abort("no old Java");
        }
    }

    private static String oldJava() throws IOException {
        Path jvms = Path.of("/usr/lib/jvm");
        if (!Files.isDirectory(jvms)) {
            return null;
        }
        try (Stream<Path> homes = Files.list(jvms)) {
            return homes.filter(h -> version(h) >= 8 && version(h) <= OLD)
                    .max(Comparator.comparing(LauncherIT::version))
                    .map(h -> h.resolve("bin/java").toString()).orElse(null);
        }
    }

    private static int version(Path home) {
        try {
            String release = Files.readString(home.resolve("release"));
            return Integer.parseInt(release.replaceAll("(?s).*JAVA_VERSION=\"(1\\.)?(\\d+).*", "$2"));
        } catch (IOException | NumberFormatException e) {
            return 0;
        }
    }

    private Outcome run(Map<String, String> environment, String... command) throws IOException, InterruptedException {
        return outcome(start(environment, command));
    }

    private Process start(Map<String, String> environment, String... command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(List.of(command))
                .directory(elsewhere.toFile())
                .redirectOutput(elsewhere.resolve("out").toFile())
                .redirectError(elsewhere.resolve("err").toFile());
        builder.environment().putAll(environment);
        return builder.start();
    }

    private Outcome outcome(Process process) throws IOException, InterruptedException {
        if (!process.waitFor(WAIT_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("still running after " + WAIT_SECONDS + " s: " + text("err"));
        }
        return new Outcome(process.exitValue(), text("out"), text("err"));
    }

    private String text(String stream) throws IOException {
        return Files.readString(elsewhere.resolve(stream), StandardCharsets.UTF_8);
    }
}
