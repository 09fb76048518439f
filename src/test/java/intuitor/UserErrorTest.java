package intuitor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

class UserErrorTest {

    /** Java's own message for a file that may not be read is its name, and nothing else. */
    @Test
    void sayWhyAFileCannotBeUsed() {
        assertMessage("cannot read /a: permission denied", new AccessDeniedException("/a"));
        assertMessage("cannot read /a: permission denied: /a/b", new AccessDeniedException("/a/b"));
        assertMessage("cannot read /a: no such file or folder", new NoSuchFileException("/a"));
        assertMessage("cannot read /a: No space left on device",
                new FileSystemException("/a", null, "No space left on device"));
        assertMessage("cannot read /a: Is a directory", new IOException("Is a directory"));
        assertMessage("cannot read /a: IOException", new IOException());
    }

    @Test
    void aMessageIsOneLine() {
        assertEquals("a b", new UserError(" a\n  b\n").getMessage());
    }

    private static void assertMessage(String expected, IOException e) {
        assertEquals(expected, UserError.of("cannot read /a", e).getMessage());
    }
}
