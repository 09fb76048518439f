package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The emulated CUDA device catches what it promises to: small kernels that are deliberately wrong
 * (native/emulation/test/emulator_test.cpp), each run by a program of its own, plainly and with AddressSanitizer.
 */
class EmulatorTest {

    private static final String SM90 = ".*ptx_sm90\\.cuh:\\d+: ";
    private static final String SITE = " .*/emulator_test\\.cpp:\\d+";

    @TempDir
    Path folder;

    private record Outcome(int status, String text) {
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "asan"})
    void divergenceIsAnErrorWithItsPlace(String build) throws IOException, InterruptedException {
        assertFails(build, "barrier of some", "divergence in block \\(0, 0, 0\\): 16 of 64 threads wait, some at" + SITE
                + ", and 48 have ended");
        assertFails(build, "two barriers", "divergence: some threads are at the barrier of" + SITE
                + ", others at that of" + SITE);
        assertFails(build, "shuffle of some", "divergence in block \\(0, 0, 0\\): 62 of 64 threads wait, some at" + SITE
                + ", and 2 have ended");
        assertFails(build, "two shuffles", "divergence: some lanes of a warp are at" + SITE + ", others at" + SITE);
        assertFails(build, "shuffle of half a mask", ".*/emulator_test\\.cpp:\\d+: collectives of a part of a warp are "
                + "not emulated");
        assertFails(build, "part of a warp", "blocks of 33 threads: whole warps are expected, and no more than 1024");
    }

    /** A launch that the hardware would refuse. */
    @Test
    void moreSharedMemoryThanThereIs() throws IOException, InterruptedException {
        assertEquals("invalid argument", run("", "too much shared").text().lines().findFirst().orElseThrow());
        assertEquals("102400 bytes of shared memory, more than sm_86 has, for a kernel that is not one of sm_90",
                run("", "too much shared for most").text().lines().findFirst().orElseThrow());
    }

    /** Each kernel writes what it read: 1 where it had written before, NaN elsewhere. */
    @ParameterizedTest
    @ValueSource(strings = {"half-written shared", "half-written dynamic", "shared of the block before",
            "half-written global"})
    void whatNobodyWroteReadsAsNan(String kernel) throws IOException, InterruptedException {
        assertPrints("", kernel, "no error", "1 nan");
    }

    @Test
    void asynchronousCopiesArriveWhenTheyAreWaitedFor() throws IOException, InterruptedException {
        assertPrints("", "copies not waited for", "no error", "nan");
        assertPrints("", "copies, the first waited for", "no error", "1 nan");
        assertPrints("", "copies waited for", "no error", "1");
        assertFails("", "misaligned copy", "cp\\.async of misaligned addresses");
    }

    /**
     * A tile that TMA brings under swizzle, tiles of runs of rows that end anywhere, and products of such tiles by
     * descriptors, as they lie or transposed, the other operand in memory or registers: right only if all of it is.
     */
    @ParameterizedTest
    @ValueSource(strings = {"", "asan"})
    void tilesAndProductsOfSm90(String build) throws IOException, InterruptedException {
        assertPrints(build, "tile", "no error", "0 of 1024 are wrong, 0 NaN");
        assertPrints(build, "tiles of runs", "no error", "0 of 1024 are wrong", "no error", "0 of 1024 are wrong",
                "no error", "0 of 1024 are wrong", "no error", "0 of 1024 are wrong");
        assertPrints(build, "product", "no error", "0 of 16384 are wrong, 0 NaN");
        assertPrints(build, "product of 128 columns", "no error", "0 of 8192 are wrong, 0 NaN");
        assertPrints(build, "product of registers", "no error", "0 of 8192 are wrong, 0 NaN");
        assertPrints(build, "product of registers, 64 columns", "no error", "0 of 4096 are wrong, 0 NaN");
        assertPrints(build, "product of a stage", "no error", "0 of 8192 are wrong, 0 NaN");
        assertPrints(build, "two products", "no error", "0 and 0 are wrong, 0 and 0 NaN");
    }

    /** What sm_90 does asynchronously is not there before it is waited for, and needs its operands until then. */
    @ParameterizedTest
    @CsvSource({"tile not waited for, 1024", "tile of another phase, 1024", "product not waited for, 16384",
            "product not committed, 16384"})
    void whatIsReadTooEarlyIsNan(String kernel, int count) throws IOException, InterruptedException {
        assertPrints("", kernel, "no error", count + " of " + count + " are wrong, " + count + " NaN");
    }

    /** Of two groups of products under way, the one that is waited for is done and no other. */
    @Test
    void groupsOfProductsAreDoneInOrder() throws IOException, InterruptedException {
        assertPrints("", "two products, one waited for", "no error", "0 and 8192 are wrong, 0 and 8192 NaN");
    }

    /** Registers belong to the products that use them: whoever reads gets NaN, whoever writes is told so. */
    @Test
    void registersOfProductsUnderWay() throws IOException, InterruptedException {
        assertPrints("", "product of read registers", "no error", "128 of 4096 are wrong, 128 NaN");
        String written = SM90 + "registers were written while products used them";
        assertFails("", "product of written registers", written);
        assertFails("", "product into written accumulators", written);
    }

    /** What threads write to shared memory, products know after a fence between the two. */
    @Test
    void operandsThatThreadsWrite() throws IOException, InterruptedException {
        String reason = SM90 + "a product reads what threads have written without fence\\.proxy\\.async, or before it "
                + "was done";
        assertFails("", "products of unpublished tiles", reason);
        assertFails("", "products of a tile that a thread writes", reason);
    }

    @Test
    void barriersOfAPartOfTheBlock() throws IOException, InterruptedException {
        assertPrints("", "turns", "no error", "2 1");
        assertFails("", "turns that nobody passes", "divergence in block \\(0, 0, 0\\): 64 of 96 threads wait, some at "
                + ".*ptx_sm90\\.cuh:\\d+, and 32 have ended");
        assertFails("", "turns of other counts", SM90 + "barrier 1 of 64 threads and of 96");
        assertFails("", "turns of other lanes", SM90 + "lanes of a warp at different barriers");
        assertFails("", "turns passed twice", SM90 + "threads arrive twice at barrier 1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"product of an overwritten tile", "product of a stage given back too early"})
    void operandsOverwrittenTooEarlyGiveNan(String kernel) throws IOException, InterruptedException {
        String text = run("", kernel).text();
        assertTrue(text.matches("no error\n[1-9]\\d* of \\d+ are wrong, [1-9]\\d* NaN\n"), text);
    }

    @Test
    void barriersFencesAndDescriptorsOfSm90() throws IOException, InterruptedException {
        assertFails("", "tile of more bytes than announced", SM90 + "128 bytes more than the mbarrier expects");
        assertFails("", "tile of fewer bytes than announced", "divergence in block \\(0, 0, 0\\): 64 of 64 threads "
                + "wait, some at .*ptx_sm90\\.cuh:\\d+, and 0 have ended");
        assertFails("", "missing arrival", "divergence in block \\(0, 0, 0\\): 64 of 64 threads wait, some at "
                + ".*ptx_sm90\\.cuh:\\d+, and 0 have ended");
        assertFails("", "tile without barrier", SM90 + "an mbarrier that was not initialised");
        assertFails("", "tile without fence", SM90 + "an mbarrier without fence\\.mbarrier_init");
        assertFails("", "misaligned tile", SM90 + "a swizzled tile at no multiple of 1024 bytes");
        for (String kernel : List.of("product without fence", "product after an early fence",
                "product of registers without fence", "product of registers after an early fence")) {
            assertFails("", kernel, SM90 + "a product of registers that were not fenced \\(wgmma\\.fence\\), or "
                    + "written since");
        }
        assertFails("", "product of other lanes", SM90 + "matrix descriptors differ between lanes");
        assertFails("", "product of other warps", SM90 + "matrix descriptors differ between warps");
    }

    /** Blocks of a cluster, which load tiles for each other and arrive at each other's barriers. */
    @Test
    void clustersOfBlocks() throws IOException, InterruptedException {
        assertPrints("", "tile of two blocks", "no error", "0 of 2048 are wrong, 0 NaN");
        assertPrints("", "tile of two blocks, not waited for", "no error", "2048 of 2048 are wrong, 2048 NaN");
        assertFails("", "tile of two blocks without barrier", SM90 + "an mbarrier that was not initialised");
        assertFails("", "tile of two blocks, of more bytes", SM90 + "\\d+ bytes more than the mbarrier expects");
        assertFails("", "tile of two blocks for three", SM90 + "blocks 0x7 of 2");
        assertPrints("", "arrival from afar", "no error", "0 1 2 3");
        assertFails("", "arrival from nowhere", SM90 + "block 2 of 2");
        assertFails("", "arrival at a block that has ended", SM90 + "an mbarrier of a block that has ended");
        assertFails("", "barrier of some of a cluster", "divergence in block \\(\\d, 0, 0\\): 64 of 128 threads wait, "
                + "some at .*ptx_sm90\\.cuh:\\d+, and 64 have ended");
        assertFails("", "static shared in a cluster", "static shared memory in a cluster is not emulated");
    }

    /** A second run with threads and blocks in reverse order gives another result. */
    @ParameterizedTest
    @ValueSource(strings = {"neighbour without barrier", "last block wins", "last thread wins"})
    void whatDependsOnTheOrderChangesWithIt(String kernel) throws IOException, InterruptedException {
        String[] lines = run("", kernel).text().split("\n");
        assertEquals(4, lines.length);
        assertNotEquals(lines[1], lines[3]);
    }

    @ParameterizedTest
    @CsvSource({"outside global, heap-buffer-overflow", "outside static shared, global-buffer-overflow",
            "outside dynamic shared, heap-buffer-overflow", "misaligned vector, store to misaligned address"})
    void addressSanitizerSeesWhereMemoryEnds(String kernel, String message) throws IOException, InterruptedException {
        Outcome outcome = run("asan", kernel);
        assertNotEquals(0, outcome.status(), outcome.text());
        assertTrue(outcome.text().contains(message), outcome.text());
        assertTrue(outcome.text().contains("emulator_test.cpp"), outcome.text());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "asan"})
    void rightKernelsPass(String build) throws IOException, InterruptedException {
        assertPrints(build, "sums", "no error", "2016 32 62 8 2016 32 62 8");
        assertPrints(build, "products", "no error", "0 of 128 are wrong", "no error", "0 of 128 are wrong");
        String[] lines = run(build, "right after wrong").text().split("\n");
        assertTrue(lines[0].contains("divergence"), lines[0]);
        assertEquals("2016 32 62 8 2016 32 62 8", lines[3]);
    }

    private void assertFails(String build, String kernel, String reason) throws IOException, InterruptedException {
        String text = run(build, kernel).text();
        assertTrue(text.lines().anyMatch(line -> line.matches("unspecified launch failure: " + reason)), text);
    }

    private void assertPrints(String build, String kernel, String... lines) throws IOException, InterruptedException {
        Outcome outcome = run(build, kernel);
        assertEquals(String.join("\n", lines) + "\n", outcome.text());
        assertEquals(0, outcome.status());
    }

    /** @param build folder of the build: "" or "asan" */
    private Outcome run(String build, String kernel) throws IOException, InterruptedException {
        Path output = folder.resolve("output");
        ProcessBuilder builder = new ProcessBuilder(TestDevices.emulationBuild(build).resolve("emulator_test")
                .toString(), kernel).redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment().put("ASAN_OPTIONS", "detect_leaks=0");
        Process process = builder.start();
        boolean ended = process.waitFor(1, TimeUnit.MINUTES);
        process.destroyForcibly();
        assertTrue(ended, kernel + " does not end");
        return new Outcome(process.exitValue(), Files.readString(output, StandardCharsets.UTF_8));
    }
}
