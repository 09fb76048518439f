package intuitor.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFilesTest {

    @TempDir
    Path dir;

    @Test
    void writesAndReplacesAFile() throws IOException {
        Path file = dir.resolve("a.txt");
        AtomicFiles.writeString(file, "eins");
        AtomicFiles.writeString(file, "zwölf");
        assertEquals("zwölf", Files.readString(file));
        assertEquals(List.of("a.txt"), names());
    }

    @Test
    void aFailureKeepsTheOldFileAndLeavesNothingElse() throws IOException {
        Path file = dir.resolve("a.txt");
        AtomicFiles.writeString(file, "old");
        UserError error = assertThrows(UserError.class, () -> AtomicFiles.write(file, out -> {
            out.write(ByteBuffer.wrap(new byte[10]));
            throw new IOException("No space left on device");
        }));
        assertEquals("cannot write " + file + ": No space left on device", error.getMessage());
        var fault = new IllegalStateException("a fault of the program");
        assertEquals(fault, assertThrows(IllegalStateException.class, () -> AtomicFiles.write(file, out -> {
            throw fault;
        })));
        assertEquals("old", Files.readString(file));
        assertEquals(List.of("a.txt"), names());
    }

    @Test
    void saysWhichFolderIsMissing() {
        Path file = dir.resolve("no").resolve("a.txt");
        UserError error = assertThrows(UserError.class, () -> AtomicFiles.writeString(file, "x"));
        assertEquals("cannot write " + file + ": no such folder " + dir.resolve("no"), error.getMessage());
    }

    @Test
    void aFolderAppearsWholeOrNotAtAll() throws IOException {
        Path folder = dir.resolve("checkpoint-1");
        AtomicFiles.writeFolder(folder, into -> {
            assertFalse(Files.exists(folder));
            assertTrue(into.getFileName().toString().matches("checkpoint-1\\.tmp-[0-9a-f]{8}"), into.toString());
            Files.createDirectory(into.resolve("sub"));
            Files.writeString(into.resolve("sub/a"), "1");
        });
        assertEquals("1", Files.readString(folder.resolve("sub/a")));
        assertThrows(UserError.class, () -> AtomicFiles.writeFolder(folder, into -> {
            Files.writeString(into.resolve("a"), "2");
            throw new IOException("disk full");
        }));
        assertEquals("1", Files.readString(folder.resolve("sub/a")));
        AtomicFiles.writeFolder(folder, into -> Files.writeString(into.resolve("b"), "3"));
        assertFalse(Files.exists(folder.resolve("sub")));
        assertEquals("3", Files.readString(folder.resolve("b")));
        assertEquals(List.of("checkpoint-1"), names());
    }

    @Test
    void recoverRemovesWhatAKilledProcessLeft() throws IOException {
        Files.createDirectories(dir.resolve("checkpoint-2.tmp-0123abcd/sub"));
        Files.writeString(dir.resolve("checkpoint-2.tmp-0123abcd/sub/a"), "half");
        Files.writeString(dir.resolve("log.txt.tmp-89abcdef"), "half");
        Files.createDirectory(dir.resolve("checkpoint-3.old-00000000")); // its replacement was renamed, then a crash
        Files.createDirectory(dir.resolve("checkpoint-3"));
        Files.createDirectory(dir.resolve("checkpoint-4.old-00000000")); // a crash between the two renames
        Files.writeString(dir.resolve("checkpoint-4.old-00000000/a"), "whole");
        Files.writeString(dir.resolve("mine.tmp-notes"), "not ours");
        AtomicFiles.recover(dir);
        assertEquals(List.of("checkpoint-3", "checkpoint-4", "mine.tmp-notes"), names());
        assertEquals("whole", Files.readString(dir.resolve("checkpoint-4/a")));
        AtomicFiles.recover(dir.resolve("nowhere"));
    }

    @Test
    void deletesTreesButNotWhatALinkPointsTo() throws IOException {
        Path kept = Files.writeString(dir.resolve("kept"), "x");
        Path tree = Files.createDirectories(dir.resolve("tree/sub"));
        Files.createSymbolicLink(tree.resolve("link"), kept);
        AtomicFiles.delete(dir.resolve("tree"));
        AtomicFiles.delete(dir.resolve("tree"));
        assertEquals(List.of("kept"), names());
    }

    private List<String> names() throws IOException {
        try (Stream<Path> entries = Files.list(dir)) {
            return entries.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }

    /** A line may be cut in the middle of a character. */
    @Test
    void wholeLinesOfAFileThatWasCutOff() throws IOException {
        byte[] bytes = "one\nzwei ü\ndrei ü".getBytes(StandardCharsets.UTF_8);
        Path file = Files.write(dir.resolve("lines"), Arrays.copyOf(bytes, bytes.length - 1));
        assertEquals("one\nzwei ü\n", AtomicFiles.readWholeLines(file));
        Files.writeString(file, "no end");
        assertEquals("", AtomicFiles.readWholeLines(file));
    }
}
