package intuitor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoctorCommandTest {

    @Test
    void itSaysWhatThisMachineHasAndThatItIsReady() {
        Outcome o = Outcome.of("doctor");
        assertEquals(0, o.status(), o.out());
        assertEquals("", o.err());
        assertTrue(o.out().contains(System.getProperty("java.version")), o.out());
        assertTrue(o.out().matches("(?s).*kernels +(portable|avx2|avx512).*"), o.out());
        assertTrue(o.out().contains("libintuitor_cpu.so") && o.out().contains("libdnnl.so"), o.out());
        assertTrue(o.out().matches("(?s).*sandbox +(bubblewrap and CPython \\d.*: works|MISSING .*: .+)\\R.*"),
                o.out());
        assertTrue(o.out().contains("Ready: " + Program.command() + " train"), o.out());
    }

    /** Where there is no GPU, what is missing for one is said, and how to get it. */
    @Test
    void itSaysWhatAGpuWouldNeed() {
        Outcome o = Outcome.of("doctor");
        assertTrue(o.out().contains("libcublasLt.so.13: ") && o.out().contains("libcudnn.so.9: "), o.out());
        if (!Files.exists(Path.of("/proc/driver/nvidia/version"))) {
            assertTrue(o.out().matches("(?s).*GPU +none used: no CUDA device: .*--device cpu.*"), o.out());
        }
    }

    @Test
    void aFolderOfLibrariesThatIsNotThereIsOneLine(@TempDir Path folder) {
        Outcome o = Outcome.of("doctor", "--cuda-libraries", folder.resolve("none").toString());
        assertEquals(2, o.status());
        assertTrue(o.err().matches("error: --cuda-libraries: there is no folder .*none\\R"), o.err());
    }

    @Test
    void aDeviceThatIsNotThereIsOneLine(@TempDir Path model) throws IOException {
        TinyModel.write(model);
        for (String device : new String[] {"cuda", "tpu"}) {
            Outcome o = Outcome.of("generate", "--model", model.toString(), "--device", device, "12 + 34 =");
            assertEquals(2, o.status());
            assertTrue(o.err().matches("error: .*" + device + ".*\\R") || o.err().matches("error: .*CUDA.*\\R"),
                    o.err());
            assertEquals("", o.out());
        }
    }
}
