package intuitor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
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
        assertTrue(o.out().matches("(?s).*sandbox +(bubblewrap and CPython \\d.*: works|MISSING .*: .+)\\R.*"), o.out());
        assertTrue(o.out().contains("Ready: " + Program.command() + " train"), o.out());
    }

    @Test
    void aDeviceThatIsNotThereIsOneLine(@TempDir Path model) throws IOException {
        TinyModel.write(model);
        for (String device : new String[] {"cuda", "tpu"}) {
            Outcome o = Outcome.of("generate", "--model", model.toString(), "--device", device, "12 + 34 =");
            assertEquals(2, o.status());
            assertTrue(o.err().matches("error: .*" + device + ".*\\R") || o.err().matches("error: .*CUDA.*\\R"), o.err());
            assertEquals("", o.out());
        }
    }
}
