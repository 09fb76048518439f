package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** native/check_spills.sh: what it makes of the resource report of CUDA's assembler. */
class CheckSpillsTest {

    @TempDir
    Path folder;
    private Path part;

    private record Outcome(int status, String text) {
    }

    @BeforeEach
    void nameTheTable() {
        part = folder.resolve("part");
    }

    @Test
    void everyInstanceIsARowAndEveryKernelALine() throws IOException, InterruptedException {
        Outcome outcome = check("rows", kernel("_ZN8intuitor4cuda4copyI13__nv_bfloat16Li4EEEvPT_", "sm_80", 40, 0)
                + kernel("_ZN8intuitor4cuda4copyI13__nv_bfloat16Li4EEEvPT_", "sm_90a", 38, 0)
                + kernel("_ZN8intuitor4cuda3addEPf", "sm_80", 12, 0));
        assertEquals(new Outcome(0, "  PTXAS rows copy: 38-40 registers, no spills\n"
                + "  PTXAS rows add: 12 registers, no spills\n"), outcome);
        Outcome table = run("--table", part.toString());
        assertEquals(List.of("file kernel target registers spilled shared", "rows copy<bf16, 4> sm_80 40 0 64",
                "rows copy<bf16, 4> sm_90a 38 0 64", "rows add sm_80 12 0 64"),
                table.text().lines().map(line -> line.replaceAll(" +", " ")).toList());
    }

    @Test
    void aSpillIsAnError() throws IOException, InterruptedException {
        Outcome outcome = check("rows", kernel("_ZN8intuitor4cuda3addEPf", "sm_80", 255, 8));
        assertEquals(new Outcome(1, """
                  PTXAS rows add: 255 registers, 16 bytes spilled
                error: kernels/rows.cu: add (sm_80) spills 16 bytes
                Use fewer registers, or name the kernel and the reason in native/check_spills.sh
                """), outcome);
        assertFalse(Files.exists(part), "a table would count as done");
    }

    @Test
    void anExceptionIsNamedWithItsReason() throws IOException, InterruptedException {
        Outcome outcome = check("attention_generic", kernel("_ZN8intuitor4cuda3addEPf", "sm_80", 255, 8));
        assertEquals(new Outcome(0, "  PTXAS attention_generic add: 255 registers, 16 bytes spilled: fp32 and unusual "
                + "head sizes; training in bf16 takes tensor cores\n"), outcome);
    }

    @Test
    void productsThatAreSerializedAreAnError() throws IOException, InterruptedException {
        String mangled = "_ZN8intuitor4cuda4copyI13__nv_bfloat16Li4EEEvPT_";
        Outcome outcome = check("rows", "ptxas info    : (C7520) Potential Performance Loss: wgmma.mma_async "
                + "instructions are serialized due to insufficient register resources in the function '" + mangled
                + "'\n" + kernel(mangled, "sm_90a", 168, 0));
        assertEquals(new Outcome(1, "  PTXAS rows copy: 168 registers, no spills\n"
                + "error: kernels/rows.cu: copy<bf16, 4> has its wgmma serialized: insufficient register resources\n"),
                outcome);
    }

    @Test
    void registersThatDoNotMoveAreAnError() throws IOException, InterruptedException {
        Outcome outcome = check("rows", "ptxas info    : (C7508) Potential Performance Loss: 'setmaxnreg' ignored; "
                + "unable to determine register count at entry.\n"
                + kernel("_ZN8intuitor4cuda3addEPf", "sm_90a", 10, 0));
        assertEquals(new Outcome(1, "  PTXAS rows add: 10 registers, no spills\n"
                + "error: kernels/rows.cu: setmaxnreg is ignored: unable to determine register count at entry\n"),
                outcome);
    }

    /** What ptxas says of a kernel. */
    private static String kernel(String mangled, String architecture, int registers, int spilled) {
        return String.format("""
                ptxas info    : Compiling entry function '%1$s' for '%2$s'
                ptxas info    : Function properties for %1$s
                    %4$d bytes stack frame, %4$d bytes spill stores, %4$d bytes spill loads
                ptxas info    : Used %3$d registers, used 1 barriers, 64 bytes smem, 428 bytes cmem[0]
                ptxas info    : Compile time = 10.000 ms
                """, mangled, architecture, registers, spilled);
    }

    private Outcome check(String name, String report) throws IOException, InterruptedException {
        Path file = Files.writeString(folder.resolve(name + ".ptxas"), report);
        return run(file.toString(), part.toString());
    }

    private static Outcome run(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("sh", "native/check_spills.sh"));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes());
        return new Outcome(process.waitFor(), text);
    }
}
