package intuitor.device;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The CUDA kernels on an emulated device: the kernels' parity tests in both storage types. */
class EmulationTest {

    private static final List<DType> STORAGE = List.of(DType.F32, DType.BF16);

    @TempDir
    Path folder;

    @Test
    void kernelsAreRight() throws IOException, InterruptedException {
        List<KernelSuiteProcess> suites = new ArrayList<>();
        for (DType storage : STORAGE) {
            suites.add(suite(storage).start());
        }
        for (KernelSuiteProcess suite : suites) {
            suite.assertPasses("emu sm_90a", 15);
        }
    }

    /**
     * The same, the lab and the fused LM head, with AddressSanitizer: no access outside of a tensor, of an array in
     * shared memory, or at an address that the hardware could not take. With {@code -Pasan}.
     */
    @Test
    void kernelsStayInsideTheirMemory() throws IOException, InterruptedException {
        if (!Boolean.getBoolean("intuitor.test.asan")) {
            throw TestDevices.skip("the CUDA kernels with AddressSanitizer", "they are part of ./mvnw verify -Pasan");
        }
        Path build = TestDevices.emulationBuild("asan");
        List<KernelSuiteProcess> suites = new ArrayList<>();
        for (DType storage : STORAGE) {
            suites.add(suite(storage).property("intuitor.native.dir", build.toString())
                    // a tensor is an allocation, without guards around it
                    .property("intuitor.arena.block", "1").property("intuitor.test.exact", "true")
                    .property("intuitor.test.lab", "true") // without AddressSanitizer these run by themselves
                    .environment("LD_PRELOAD", build.resolve("libasan.so").toString())
                    // the JVM leaks a little, and makes use of faults
                    .environment("ASAN_OPTIONS", "detect_leaks=0:handle_segv=0").start());
        }
        for (KernelSuiteProcess suite : suites) {
            suite.assertPasses("emu sm_90a", 30);
        }
    }

    private KernelSuiteProcess suite(DType storage) {
        return new KernelSuiteProcess(folder.resolve(storage.name())).property("intuitor.test.device", "emu")
                .property("intuitor.test.storage", storage.name());
    }
}
