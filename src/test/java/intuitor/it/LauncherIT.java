package intuitor.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.File;
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

/** {@code java -jar} and {@code ./intuitor}, from a folder that is not the project's, under a new and an old Java. */
class LauncherIT {

    private static final String JAR = System.getProperty("intuitor.jar");
    private static final String NEW_JAVA = System.getProperty("java.home");
    private static final int OLD = 21;

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
    void withoutANewerJavaOneLineSaysWhatIsNeeded() throws Exception {
        requireOldJava();
        Outcome o = run(Map.of("INTUITOR_JAVA_HOME", elsewhere.toString()), oldJava, "-jar", JAR, "--version");
        assertEquals(2, o.status());
        assertTrue(o.err().matches("error: intuitor needs Java 22 or newer.*\\R"), o.err());
        assertEquals("", o.out());
    }

    private void requireOldJava() {
        if (oldJava == null) {
            System.err.println("skipped: no Java of version 8 to " + OLD + " in /usr/lib/jvm to test the launcher with");
            abort("no old Java");
        }
    }

    private static String oldJava() throws IOException {
        Path jvms = Path.of("/usr/lib/jvm");
        if (!Files.isDirectory(jvms)) {
            return null;
        }
        try (Stream<Path> homes = Files.list(jvms)) {
            return homes.filter(h -> version(h) >= 8 && version(h) <= OLD).max(Comparator.comparing(LauncherIT::version))
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
        File out = elsewhere.resolve("out").toFile();
        File err = elsewhere.resolve("err").toFile();
        ProcessBuilder builder = new ProcessBuilder(List.of(command))
                .directory(elsewhere.toFile()).redirectOutput(out).redirectError(err);
        builder.environment().putAll(environment);
        Process process = builder.start();
        assertTrue(process.waitFor(60, TimeUnit.SECONDS), "still running: " + List.of(command));
        return new Outcome(process.exitValue(), Files.readString(out.toPath(), StandardCharsets.UTF_8),
                Files.readString(err.toPath(), StandardCharsets.UTF_8));
    }
}
