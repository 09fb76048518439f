package intuitor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.report.ProgressLine;
import intuitor.train.StopSignal;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class InterruptHandlerTest {

    /** A user's reward that ends the process would otherwise wait for the handler, and the handler for it. */
    @Test
    void workThatEndsTheProcessIsNotWaitedFor() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
                System.getProperty("java.class.path"), InterruptHandlerTest.class.getName()).inheritIO().start();
        try {
            assertTrue(process.waitFor(60, TimeUnit.SECONDS), "it waits for itself");
            assertEquals(3, process.exitValue());
        } finally {
            process.destroyForcibly();
        }
    }

    /** The process of the test. */
    public static void main(String[] args) {
        InterruptHandler.install(new StopSignal(), ProgressLine.onStandardError());
        System.exit(3);
    }
}
