package intuitor.eval.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import intuitor.eval.HeapBudget;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoredTestsTest {

    @TempDir
    Path folder;

    /** A few kilobytes that unpack to ten megabytes. */
    private Path line() throws IOException {
        byte[] json = ("[{\"input\": \"" + "1".repeat(10 << 20) + "\", \"output\": \"2\"}]")
                .getBytes(StandardCharsets.US_ASCII);
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (DeflaterOutputStream out = new DeflaterOutputStream(packed)) {
            out.write(ByteBuffer.allocate(5).order(ByteOrder.LITTLE_ENDIAN).put((byte) 'X').putInt(json.length)
                    .array());
            out.write(json);
            out.write('.');
        }
        return Files.writeString(folder.resolve("test.jsonl"), "{\"public_test_cases\": \"[]\", "
                + "\"private_test_cases\": \""
                + Base64.getEncoder().encodeToString(packed.toByteArray()) + "\"}");
    }

    private static int characters(Path file, long budget) throws IOException {
        return new StoredTests(file, 0, (int) Files.size(file), new HeapBudget(budget))
                .judge((row, tests) -> tests.getFirst().input().length());
    }

    @Test
    void testsThatFitAreRead() throws IOException {
        assertEquals(10 << 20, characters(line(), 70L << 20));
    }

    @Test
    void testsThatDoNotFitAreOneLineBeforeTheyAreUnpacked() throws IOException {
        Path file = line();
        UserError e = assertThrows(UserError.class, () -> characters(file, 50L << 20));
        assertTrue(e.getMessage().matches(".*test.jsonl, the line at byte 0: reading its test cases takes about 60 MiB "
                + "of the Java heap, .*-Xmx.*"),
                e.getMessage());
    }
}
