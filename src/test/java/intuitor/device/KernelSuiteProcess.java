package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs {@link KernelSuite} in a process of its own, where the library or its instruction set can be another. */
final class KernelSuiteProcess {

    private final Path output;
    private final Map<String, String> environment = new LinkedHashMap<>();
    private final Map<String, String> properties = new LinkedHashMap<>();
    private Process process;

    /** @param output file that receives what it says */
    KernelSuiteProcess(Path output) {
        this.output = output;
        for (String property : List.of("intuitor.native.dir", "intuitor.cache.dir")) {
            if (System.getProperty(property) != null) {
                properties.put(property, System.getProperty(property));
            }
        }
    }

    KernelSuiteProcess environment(String name, String value) {
        environment.put(name, value);
        return this;
    }

    KernelSuiteProcess property(String name, String value) {
        properties.put(name, value);
        return this;
    }

    /** Starts it, for those who have something else to do meanwhile. */
    KernelSuiteProcess start() throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-ea", "-Xmx1g", "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1", "--enable-native-access=ALL-UNNAMED"));
        properties.forEach((name, value) -> command.add("-D" + name + "=" + value));
        command.addAll(List.of("-cp", System.getProperty("surefire.test.class.path",
                System.getProperty("java.class.path")), KernelSuite.class.getName()));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(environment);
        process = builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
        return this;
    }

    /** All tests pass, within the time, and the suite ends by saying that it ran on this device. */
    void assertPasses(String device, int minutes) throws InterruptedException {
        try {
            boolean ended = process.waitFor(minutes, TimeUnit.MINUTES);
            assertEquals(0, ended ? process.exitValue() : -1, this::text);
            assertTrue(text().contains("tests passed on " + device), this::text);
        } finally {
            process.destroyForcibly();
        }
    }

    private String text() {
        try {
            return Files.readString(output);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
