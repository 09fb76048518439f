package intuitor.cli;

import java.net.URISyntaxException;
import java.nio.file.Path;

/** How this program was started, for advice that can be pasted into the same shell. */
final class Program {

    /** The start script leaves its own name here. */
    private static final String COMMAND = System.getenv("INTUITOR_COMMAND");

    private Program() { }

    /** {@code ./intuitor}, or {@code java -jar FILE} where the jar was started itself. */
    static String command() {
        return COMMAND != null ? COMMAND : "java -jar " + file();
    }

    /** The jar, or the folder of classes. */
    static Path file() {
        try {
            return Path.of(Program.class.getProtectionDomain().getCodeSource().getLocation().toURI()).toAbsolutePath();
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
