package intuitor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A machine that forbids user namespaces: a bwrap stands first on the path that says what the real one says there. */
class SandboxRefusedTest {

    private static final String COMPLAINT = "bwrap: setting up uid map: Permission denied";

    @TempDir
    Path folder;

    @BeforeEach
    void forbidNamespaces() throws IOException {
        Path bwrap = Files.writeString(folder.resolve("bwrap"), "#!/bin/sh\necho '" + COMPLAINT + "' >&2\nexit 1\n");
        // root's programs are started by nobody, who must find it
        for (Path p : List.of(folder, bwrap)) {
            Files.setPosixFilePermissions(p, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
    }

    private Outcome run(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(ProcessHandle.current().info().command().orElseThrow(),
                "--enable-native-access=ALL-UNNAMED", "-XX:TieredStopAtLevel=1", "-cp",
                System.getProperty("java.class.path"), Main.class.getName()));
        command.addAll(List.of(arguments));
        Path out = folder.resolve("out");
        Path err = folder.resolve("err");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
        builder.environment().merge("PATH", folder.toString(), (path, first) -> first + ":" + path);
        int status = builder.start().waitFor();
        return new Outcome(status, Files.readString(out, StandardCharsets.UTF_8),
                Files.readString(err, StandardCharsets.UTF_8));
    }

    @Test
    void theProgrammingTasksAreRefusedInALineThatSaysWhatToDo() throws IOException, InterruptedException {
        Path output = folder.resolve("o");
        Outcome o = run("eval", "--model", "models/arithmetic-1m", "--data", "src/test/resources/intuitor/eval/data",
                "--tasks", "cruxeval", "--output", output.toString());
        assertEquals(2, o.status(), o.err());
        assertTrue(o.err().startsWith("error: the sandbox for programs does not work here: " + COMPLAINT + "; "),
                o.err());
        assertTrue(o.err().contains("user namespace") && o.err().contains("--unsafe-no-sandbox"), o.err());
        assertEquals(1, o.err().lines().count());
        assertFalse(Files.exists(output));
    }

    @Test
    void theDoctorSaysIt() throws IOException, InterruptedException {
        Outcome o = run("doctor");
        assertEquals(0, o.status(), o.err());
        assertTrue(o.out().matches("(?s).*\\Rsandbox +MISSING [^\\n]*" + COMPLAINT + "; [^\\n]*user namespace.*"),
                o.out());
    }
}
