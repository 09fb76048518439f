package intuitor.checkpoint;

import intuitor.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Files and folders that are either wholly there or not there at all, also after a power cut.
 *
 * <p>Everything is written under a temporary name next to its target ({@code NAME.tmp-xxxxxxxx}, so that the rename
 * stays within one file system), forced to the disk, renamed, and then the folder's entry is forced too. Whoever reads
 * the target sees the old contents or the new ones. A failure leaves no temporary behind. What a killed process
 * left behind is removed by {@link #recover} where a folder has one writer at a time, as a run's has; elsewhere it
 * stays, under a name that nobody reads, because another process may just be writing it.
 *
 * <p>A file or folder that cannot be written (disk full, no permission) is a {@link UserError}.
 */
public final class AtomicFiles {

    /** Work on a file that may fail. */
    @FunctionalInterface
    public interface IoConsumer<T> {
        void accept(T target) throws IOException;
    }

    private static final SecureRandom RANDOM = new SecureRandom();
    private static final Pattern LEFT_BEHIND = Pattern.compile("(.+)\\.(tmp|old)-[0-9a-f]{8}");

    private AtomicFiles() {}

    /** Writes a file, replacing one of that name. */
    public static void write(Path file, IoConsumer<FileChannel> contents) {
        Path target = file.toAbsolutePath();
        Path temporary = beside(target, "tmp");
        try {
            try (FileChannel out =
                    FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                contents.accept(out);
                out.force(true);
            }
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            force(target.getParent());
        } catch (IOException | RuntimeException | Error e) {
            throw failed("write", file, temporary, e);
        }
    }

    /** Writes a text file in UTF-8, replacing one of that name. */
    public static void writeString(Path file, String text) {
        write(file, out -> {
            ByteBuffer bytes = StandardCharsets.UTF_8.encode(text);
            while (bytes.hasRemaining()) {
                out.write(bytes);
            }
        });
    }

    /**
     * Publishes a folder: {@code contents} fills a temporary folder, which then takes the target's place as a whole.
     * A folder of that name is replaced; a crash in between leaves one of the two for {@link #recover} to put in place.
     */
    public static void writeFolder(Path folder, IoConsumer<Path> contents) {
        Path target = folder.toAbsolutePath();
        Path temporary = beside(target, "tmp");
        try {
            Files.createDirectory(temporary);
            contents.accept(temporary);
            forceTree(temporary);
            if (Files.exists(target)) {
                replaceFolder(temporary, target);
            } else {
                Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
            }
            force(target.getParent());
        } catch (IOException | RuntimeException | Error e) {
            throw failed("write", folder, temporary, e);
        }
    }

    /** A rename cannot replace a folder that has files in it, so the old one steps aside first. */
    private static void replaceFolder(Path temporary, Path target) throws IOException {
        Path old = beside(target, "old");
        Files.move(target, old, StandardCopyOption.ATOMIC_MOVE);
        try {
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            Files.move(old, target, StandardCopyOption.ATOMIC_MOVE);
            throw e;
        }
        force(target.getParent());
        deleteTree(old);
    }

    /** The text of a file that lines are appended to, without a last one that was cut off, in a character perhaps. */
    public static String readWholeLines(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        int end = bytes.length;
        while (end > 0 && bytes[end - 1] != '\n') {
            end--;
        }
        return new String(bytes, 0, end, StandardCharsets.UTF_8);
    }

    /**
     * Removes what killed processes left behind in a folder, and puts back a folder whose replacement was cut off
     * between its two renames. For the only writer of that folder, before it starts to write.
     */
    public static void recover(Path folder) {
        if (!Files.isDirectory(folder)) {
            return;
        }
        try {
            for (Path entry : list(folder)) {
                Matcher name = LEFT_BEHIND.matcher(entry.getFileName().toString());
                if (!name.matches()) {
                    continue;
                }
                Path target = entry.resolveSibling(name.group(1));
                if (name.group(2).equals("old") && !Files.exists(target)) {
                    Files.move(entry, target, StandardCopyOption.ATOMIC_MOVE);
                } else {
                    deleteTree(entry);
                }
            }
            force(folder);
        } catch (IOException e) {
            throw failed("clean up", folder, null, e);
        }
    }

    /**
     * Deletes a file, or a folder with all that is in it; nothing happens where there is none. It takes a temporary
     * name first: whoever is killed half way leaves something for {@link #recover}, not half a folder under a good
     * name.
     */
    public static void delete(Path path) {
        Path doomed = beside(path.toAbsolutePath(), "tmp");
        try {
            Files.move(path, doomed, StandardCopyOption.ATOMIC_MOVE);
            deleteTree(doomed);
        } catch (NoSuchFileException e) {
            // gone already
        } catch (IOException e) {
            throw failed("delete", path, null, e);
        }
    }

    private static void deleteTree(Path root) throws IOException {
        try (Stream<Path> paths = Files.walk(root)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        } catch (NoSuchFileException e) {
            if (Files.exists(root)) {
                throw e;
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static void forceTree(Path root) throws IOException {
        try (Stream<Path> paths = Files.walk(root)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                force(path);
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** fsync of a file, or of a folder's entries: Linux does both through a descriptor opened for reading. */
    private static void force(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static List<Path> list(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.toList();
        }
    }

    private static Path beside(Path target, String kind) {
        String unique = HexFormat.of().toHexDigits(RANDOM.nextInt());
        return target.resolveSibling(target.getFileName() + "." + kind + "-" + unique);
    }

    /** Removes the temporary. What the disk refused is the user's to put right; other faults pass as they are. */
    private static RuntimeException failed(String action, Path path, Path temporary, Throwable cause) {
        if (temporary != null) {
            try {
                deleteTree(temporary);
            } catch (IOException e) {
                cause.addSuppressed(e);
            }
        }
        String what = "cannot " + action + " " + path;
        return switch (cause) {
            case NoSuchFileException e when !Files.isDirectory(path.toAbsolutePath().getParent()) ->
                new UserError(what + ": no such folder " + path.toAbsolutePath().getParent(), e);
            // the temporary's name is of no use to anybody
            case IOException e ->
                new UserError(UserError.of(what, e).getMessage().replace(": " + temporary, ""), e);
            case RuntimeException e -> e;
            case Error e -> throw e;
            default -> throw new AssertionError(cause);
        };
    }
}
