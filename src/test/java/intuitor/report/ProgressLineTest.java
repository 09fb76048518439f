package intuitor.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressLineTest {

    private static final String ERASE = "\r\u001b[K";

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final AtomicLong time = new AtomicLong();

    private ProgressLine line(boolean live) {
        return new ProgressLine(new PrintStream(bytes, true, StandardCharsets.UTF_8), live, 20, time::get);
    }

    private void pass(double seconds) {
        time.addAndGet((long) (seconds * 1e9));
    }

    private void assertPrinted(String expected) {
        assertEquals(expected, bytes.toString(StandardCharsets.UTF_8).replace(System.lineSeparator(), "\n"));
    }

    @Test
    void onATerminalUpdatesOverwriteAndMessagesStay() {
        ProgressLine line = line(true);
        line.update("step 1", false);
        line.update("a line that is longer than the terminal", false);
        line.message("noted");
        line.update("step 3", true);
        line.end();
        line.end();
        assertPrinted(ERASE + "step 1" + ERASE + "a line that is long" + ERASE + "noted\n" + ERASE + "step 3\n");
    }

    @Test
    void elsewhereOnlyPlainUpdatesAreLines() {
        ProgressLine line = line(false);
        line.update("step 1", true);
        line.update("step 2", false);
        line.message("noted");
        line.end();
        assertPrinted("step 1\nnoted\n");
    }

    /** Quick steps are not disturbed; of slow ones the last line stands while the next one's is written below. */
    @Test
    void ticksOnATerminal() {
        ProgressLine line = line(true);
        line.update("step 1", false);
        pass(1.9);
        line.tick(() -> "too early");
        pass(0.2);
        line.tick(() -> "10 tokens");
        pass(0.1);
        line.tick(() -> "too soon");
        pass(0.2);
        line.tick(() -> "20 tokens");
        line.update("step 2", false);
        line.tick(() -> "too early");
        line.end();
        assertPrinted(ERASE + "step 1\n" + ERASE + "10 tokens" + ERASE + "20 tokens" + ERASE + "step 2\n");
    }

    @Test
    void ticksElsewhereAreALineAMinute() {
        ProgressLine line = line(false);
        pass(59);
        line.tick(() -> "too early");
        pass(2);
        line.tick(() -> "a minute");
        pass(59);
        line.tick(() -> "too early");
        line.update("step 1", false);
        pass(2);
        line.tick(() -> "two minutes");
        line.update("step 2", true);
        pass(30);
        line.tick(() -> "too early");
        assertPrinted("a minute\ntwo minutes\nstep 2\n");
    }
}
