package intuitor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.device.CudaLibraries;
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

    /** What a GPU would need is said where there may be one: with a driver, or to someone who names a folder. */
    @Test
    void itSaysWhatAGpuWouldNeed(@TempDir Path libraries) throws IOException {
        Outcome o = Outcome.of("doctor");
        if (!CudaLibraries.driverIsInstalled()) {
            assertTrue(o.out().matches("(?s).*GPU +none used: no CUDA device: .*--device cpu.*"), o.out());
            assertFalse(o.out().contains("apt-get install -y libcudnn"), o.out());
        }
        Files.writeString(libraries.resolve("libcublasLt.so.13"), "no library");
        Outcome named = Outcome.of("doctor", "--cuda-libraries", libraries.toString());
        assertTrue(named.out().contains("libcublasLt.so.13: by way of --cuda-libraries, but it cannot be loaded"),
                named.out());
        assertTrue(named.out().contains("libcudnn.so.9: "), named.out());
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
