package intuitor.device;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
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

        new KernelSuiteProcess(folder.resolve("output")).environment("INTUITOR_ISA", set).start()
                .assertPasses("cpu " + set, 4);
    }
}
