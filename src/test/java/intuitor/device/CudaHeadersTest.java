package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The headers that stand for NVIDIA's: {@code check_headers.cpp} holds all that they declare against the real ones. */
class CudaHeadersTest {

    private static final Path FOLDER = Path.of("native/include/cuda");
    private static final Pattern CONSTANT = Pattern.compile("\\b((?:CU|CUDNN)[A-Z]*_[A-Za-z0-9_]+) =");
    private static final Pattern FUNCTION = Pattern.compile("^\\w[\\w *]*\\b(cu\\w+)\\(", Pattern.MULTILINE);

    @ParameterizedTest
    @ValueSource(strings = {"cublaslt.h", "cudnn.h"})
    void everythingDeclaredIsChecked(String header) throws IOException {
        String text = Files.readString(FOLDER.resolve(header)).replaceAll("(?s)/\\*.*?\\*/", "");
        String check = Files.readString(FOLDER.resolve("check_headers.cpp"));
        var unchecked = new TreeSet<String>();
        CONSTANT.matcher(text).results().map(m -> "VALUE(" + m.group(1) + ");").forEach(unchecked::add);
        FUNCTION.matcher(text).results().map(m -> "FUNCTION(" + m.group(1) + ");").forEach(unchecked::add);
        int declared = unchecked.size();
        unchecked.removeIf(check::contains);
        assertEquals(new TreeSet<>(), unchecked);
        assertTrue(declared > 20, declared + " declarations were seen in " + header);
    }

    /** Without a toolkit the check still compiles, and says that it checked nothing. */
    @Test
    void theCheckCompiles() throws IOException, InterruptedException {
        Process compiler = new ProcessBuilder("g++", "-std=c++20", "-fsyntax-only",
                FOLDER.resolve("check_headers.cpp").toString()).redirectErrorStream(true).start();
        String said = new String(compiler.getInputStream().readAllBytes());
        assertEquals(0, compiler.waitFor(), said);
    }
}
