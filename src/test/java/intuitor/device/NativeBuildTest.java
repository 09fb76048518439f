package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** native/Makefile: the commands that compile, which ccache compares with those of another checkout. */
class NativeBuildTest {

    /** What a compiler is told of its folder in order to keep it out of the object. */
    private static final String HIDDEN = "-ffile-prefix-map=";

    @Test
    void objectsDoNotDependOnWhereTheCheckoutIs() throws IOException, InterruptedException {
        String project = Path.of("").toAbsolutePath().toString();
        List<String> compiling = commands(project + "/target/native").stream()
                .filter(line -> line.contains(" -c -o ")).toList();
        assertTrue(compiling.stream().anyMatch(line -> line.startsWith("nvcc ")), "commands of nvcc");
        assertTrue(compiling.stream().anyMatch(line -> !line.startsWith("nvcc ")), "commands of the C++ compiler");
        for (String line : compiling) {
            assertEquals(-1, line.replace(HIDDEN + project, "").indexOf(project), line);
            // to ccache, nvcc's options are the C++ compiler's: -g means that the object holds its folder
            assertEquals(line.startsWith("nvcc "), !line.contains(" -g"), line);
            assertEquals(line.startsWith("nvcc "), !line.contains(HIDDEN), line);
        }
    }

    /** What make would do to build everything. */
    private static List<String> commands(String out) throws IOException, InterruptedException {
        Process make = new ProcessBuilder("make", "-s", "-n", "-B", "-C", "native", "OUT=" + out, "V=1", "CXX=g++",
                "NVCC=nvcc", "all", "asan").redirectError(ProcessBuilder.Redirect.INHERIT).start();
        String text = new String(make.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, make.waitFor(), text);
        return text.replace("\\\n", "").lines().map(String::strip).toList();
    }
}
