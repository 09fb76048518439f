package intuitor.checkpoint;

import intuitor.UserError;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The folder of one training run, which one process at a time may write:
 * <pre>
 *   config.yaml      its settings           origin.json     base model and prompts, with check sums
 *   metrics.jsonl    a line a step          completions/    what the model wrote, a file a logged step
 *   checkpoint-N/    the model after step N as a Hugging Face folder, and the state to go on from
 *   final/           the model after the last step     summary.json    what came of it
 * </pre>
 * Folders appear whole or not at all ({@link AtomicFiles}).
 */
public final class RunFolder implements AutoCloseable {

    private static final String CONFIG = "config.yaml";
    private static final Pattern CHECKPOINT = Pattern.compile("checkpoint-(\\d{1,9})");
    private static final Pattern COMPLETIONS = Pattern.compile("step-(\\d{1,9})\\.jsonl");

    private final Path path;
    private final FileChannel lock;

    private RunFolder(Path path) {
        this.path = path;
        this.lock = lock(path);
    }

    /** A new folder of this name, or, where it is null, the first free of run-1, run-2, ... */
    public static RunFolder create(Path outputDir, String name) {
        try {
            Files.createDirectories(outputDir);
            if (name != null) {
                return new RunFolder(Files.createDirectory(outputDir.resolve(name)));
            }
            for (int i = 1; ; i++) {
                Path path = outputDir.resolve("run-" + i);
                if (!Files.exists(path)) {
                    return new RunFolder(Files.createDirectory(path));
                }
            }
        } catch (FileAlreadyExistsException e) {
            throw new UserError(e.getFile() + " exists: choose another --run-name, or go on with --resume " + e.getFile(), e);
        } catch (IOException e) {
            throw new UserError("cannot create a run folder in " + outputDir + ": " + e.getMessage(), e);
        }
    }

    /** The folder of an earlier run; what a killed process left half done is removed. */
    public static RunFolder open(Path path) {
        if (!Files.isRegularFile(path.resolve(CONFIG))) {
            throw new UserError(path + " is not the folder of a run: it has no " + CONFIG);
        }
        RunFolder folder = new RunFolder(path);
        AtomicFiles.recover(path);
        AtomicFiles.recover(folder.completions());
        return folder;
    }

    /** Two writers would ruin a run. The lock goes with the process, however that ends. */
    private static FileChannel lock(Path path) {
        try {
            FileChannel channel = FileChannel.open(path.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (channel.tryLock() == null) {
                throw new UserError(path + " is in use by another process");
            }
            return channel;
        } catch (OverlappingFileLockException e) {
            throw new UserError(path + " is in use by this process", e);
        } catch (IOException e) {
            throw new UserError("cannot lock " + path + ": " + e.getMessage(), e);
        }
    }

    public Path path() {
        return path;
    }

    public Path config() {
        return path.resolve(CONFIG);
    }

    public Path metrics() {
        return path.resolve("metrics.jsonl");
    }

    public Path summary() {
        return path.resolve("summary.json");
    }

    /** Where the model after the last step goes. */
    public Path finalModel() {
        return path.resolve("final");
    }

    public Path checkpoint(int step) {
        return path.resolve("checkpoint-" + step);
    }

    private Path completions() {
        return path.resolve("completions");
    }

    /** The file for the completions of a step. */
    public Path completions(int step) {
        try {
            return Files.createDirectories(completions()).resolve(String.format(Locale.ROOT, "step-%06d.jsonl", step));
        } catch (IOException e) {
            throw new UserError("cannot create " + completions() + ": " + e.getMessage(), e);
        }
    }

    /** The checkpoint of the latest step. */
    public Optional<Path> newestCheckpoint() {
        return checkpoints().stream().reduce((earlier, later) -> later);
    }

    /** Removes all checkpoints but the newest {@code limit}; 0 keeps all. */
    public void keepNewest(int limit) {
        List<Path> all = checkpoints();
        if (limit > 0 && all.size() > limit) {
            all.subList(0, all.size() - limit).forEach(AtomicFiles::delete);
        }
    }

    /** Removes completions of steps after this one, which a lost part of the run had written. */
    public void forgetCompletionsAfter(int step) {
        numbered(completions(), COMPLETIONS).stream().filter(f -> number(f, COMPLETIONS) > step).forEach(AtomicFiles::delete);
    }

    private List<Path> checkpoints() {
        return numbered(path, CHECKPOINT);
    }

    /** Entries whose names match, by their number. */
    private static List<Path> numbered(Path folder, Pattern pattern) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.filter(e -> pattern.matcher(e.getFileName().toString()).matches())
                    .sorted(Comparator.comparingInt(e -> number(e, pattern))).toList();
        } catch (IOException e) {
            throw new UserError("cannot read " + folder + ": " + e.getMessage(), e);
        }
    }

    private static int number(Path entry, Pattern pattern) {
        Matcher name = pattern.matcher(entry.getFileName().toString());
        return name.matches() ? Integer.parseInt(name.group(1)) : -1;
    }

    /** Lets other processes write. */
    @Override
    public void close() {
        try {
            lock.close();
        } catch (IOException e) {
            throw new UserError("cannot unlock " + path + ": " + e.getMessage(), e);
        }
    }
}
