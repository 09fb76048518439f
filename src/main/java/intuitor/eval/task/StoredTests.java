package intuitor.eval.task;

import intuitor.UserError;
import intuitor.data.DataFile;
import intuitor.data.Row;
import intuitor.eval.HeapBudget;
import intuitor.eval.code.TestCase;
import intuitor.eval.code.TestCases;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.BiFunction;

/**
 * The tests of one of LiveCodeBench's problems, left in the file until an answer is judged: they may be a hundred
 * megabytes, and several threads judge. Those whose tests do not fit into the heap together are judged one after the
 * other.
 */
final class StoredTests {

    /** The line's bytes, its text and Jackson's buffers, or the pickle, its text and the test cases. */
    private static final int HEAP_BYTES_PER_BYTE = 6;
    private static final HeapBudget BUDGET = HeapBudget.ofHeap(0.6);

    private final Path file;
    private final long offset;
    private final int length;
    private final HeapBudget budget;
    private long unpacked = -1;

    /**
     * @param offset first byte of the problem's line in the file
     * @param length of the line in bytes
     */
    StoredTests(Path file, long offset, int length) {
        this(file, offset, length, BUDGET);
    }

    StoredTests(Path file, long offset, int length, HeapBudget budget) {
        this.file = file;
        this.offset = offset;
        this.length = length;
        this.budget = budget;
    }

    /** Reads the problem and its tests, public ones first, and holds their memory while they are judged. */
    <T> T judge(BiFunction<Row, List<TestCase>, T> judge) {
        try (HeapBudget.Lease lease = budget.reserve(needed(unpackedBytes()))) {
            Row row = DataFile.lineAt(file, offset, length);
            List<TestCase> tests = new ArrayList<>(TestCases.read(row.text("public_test_cases"), row.where()));
            tests.addAll(TestCases.read(row.text("private_test_cases"), row.where()));
            return judge.apply(row, tests);
        }
    }

    private long unpackedBytes() {
        long bytes;
        synchronized (this) {
            bytes = unpacked;
        }
        if (bytes < 0) {
            requireRoom(0);
            try (HeapBudget.Lease lease = budget.reserve(needed(0))) {
                Row row = DataFile.lineAt(file, offset, length);
                bytes = TestCases.unpackedBytes(row.text("public_test_cases"))
                        + TestCases.unpackedBytes(row.text("private_test_cases"));
            }
            requireRoom(bytes);
            synchronized (this) {
                unpacked = bytes;
            }
        }
        return bytes;
    }

    private long needed(long unpackedBytes) {
        return HEAP_BYTES_PER_BYTE * (length + unpackedBytes);
    }

    private void requireRoom(long unpackedBytes) {
        if (!budget.holds(needed(unpackedBytes))) {
            throw new UserError(String.format(Locale.ROOT, "%s, the line at byte %d: reading its test cases takes "
                    + "about %d MiB of the Java heap, more than there is: give it more, as in "
                    + "JAVA_TOOL_OPTIONS=-Xmx8g", file, offset, needed(unpackedBytes) >> 20));
        }
    }
}
