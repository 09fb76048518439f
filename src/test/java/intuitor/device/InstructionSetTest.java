package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The kernels' parity tests on the instruction sets that this CPU has and does not use by default. */
class InstructionSetTest {

    private static final List<String> SETS = List.of("portable", "avx2", "avx512"); // the best last

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"portable", "avx2"})
    void kernelsAreRight(String set) throws IOException, InterruptedException {
        assumeTrue(System.getenv("INTUITOR_ISA") == null, "another instruction set was asked for");
        String usual;
        try (Device device = Device.open("cpu", 0)) {
            usual = device.info().isa();
        }
        assumeTrue(SETS.indexOf(set) < SETS.indexOf(usual), "the tests of this process are those of " + usual);

        Path output = folder.resolve("output");
        ProcessBuilder builder = new ProcessBuilder(command());
        builder.environment().put("INTUITOR_ISA", set);
        Process process = builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
        try {
            boolean ended = process.waitFor(4, TimeUnit.MINUTES);
            assertEquals(0, ended ? process.exitValue() : -1, () -> text(output));
            assertTrue(text(output).contains("tests passed on cpu " + set), () -> text(output));
        } finally {
            process.destroyForcibly();
        }
    }

    private static List<String> command() {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-ea", "-Xmx1g", "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1", "--enable-native-access=ALL-UNNAMED"));
        for (String property : List.of("intuitor.native.dir", "intuitor.cache.dir")) {
            if (System.getProperty(property) != null) {
                command.add("-D" + property + "=" + System.getProperty(property));
            }
        }
        command.addAll(List.of("-cp", System.getProperty("surefire.test.class.path",
                System.getProperty("java.class.path")), KernelSuite.class.getName()));
        return command;
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
