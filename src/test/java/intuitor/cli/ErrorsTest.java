package intuitor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Command;

class ErrorsTest {

    @TempDir
    Path folder;

    private final StringWriter err = new StringWriter();

    /** Fails as told. */
    @Command(name = "failing")
    private record Failing(Exception e) implements java.util.concurrent.Callable<Integer> {
        @Override
        public Integer call() throws Exception {
            throw e;
        }
    }

    private int run(Exception e) {
        return new CommandLine(new Failing(e))
                .setErr(new PrintWriter(err, true))
                .setExecutionExceptionHandler(new Errors(folder))
                .execute();
    }

    private List<Path> logs() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList();
        }
    }

    @Test
    void theUsersErrorIsOneLineAndNoLog() throws IOException {
        assertEquals(2, run(new UserError("no such model folder: x")));
        assertEquals("error: no such model folder: x" + System.lineSeparator(), err.toString());
        assertEquals(List.of(), logs());
    }

    @Test
    void aFaultIsOneLineAndItsStackTraceIsInAFile() throws IOException {
        assertEquals(1, run(new IllegalStateException("two\nlines")));
        assertTrue(err.toString().matches("internal error: IllegalStateException: two lines \\(stack trace in "
                + ".*\\)\\R"),
                err.toString());
        assertTrue(err.toString().contains(logs().get(0).toString()));
        assertTrue(Files.readString(logs().get(0)).contains("at intuitor.cli.ErrorsTest"));
    }
}
