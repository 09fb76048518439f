package intuitor.checkpoint;

import intuitor.UserError;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The folder of one training run, which one process at a time may write:
 * <pre>
 *   config.yaml      its settings           origin.json     base model and prompts, with check sums
 *   metrics.jsonl    a line a step          completions/    what the model wrote, a file a logged step
 *   evaluations/     on benchmarks, a file an evaluated step
 *   checkpoint-N/    the model after step N as a Hugging Face folder, and the state to go on from
 *   final/           the model after the last step     summary.json    what came of it
 * </pre>
 * Folders appear whole or not at all ({@link AtomicFiles}).
 */
public final class RunFolder implements AutoCloseable {

    private static final String CONFIG = "config.yaml";
    /** All that a run has written before its settings, which make the folder a run's. */
    private static final Pattern BEFORE_SETTINGS =
            Pattern.compile("\\.lock|origin\\.json|(origin\\.json|config\\.yaml)\\.tmp-[0-9a-f]{8}");
    private static final Pattern CHECKPOINT = Pattern.compile("checkpoint-(\\d{1,9})");
    private static final Pattern COMPLETIONS = Pattern.compile("step-(\\d{1,9})\\.jsonl");

    private final Path path;
    private final FolderLock lock;

    private RunFolder(Path path, FolderLock lock) {
        this.path = path;
        this.lock = lock;
    }

    /**
     * A new folder of this name, or, where it is null, the first free of run-1, run-2, ... A folder that a process was
     * killed in before it had written the settings counts as free.
     */
    public static RunFolder create(Path outputDir, String name) {
        if (Files.exists(outputDir) && !Files.isDirectory(outputDir)) {
            throw new UserError(outputDir + " is a file: give a folder as output_dir");
        }
        try {
            Files.createDirectories(outputDir);
            if (name != null) {
                Path path = outputDir.resolve(name);
                return take(path).orElseThrow(() -> taken(path));
            }
            for (int i = 1; ; i++) {
                Optional<RunFolder> free = take(outputDir.resolve("run-" + i));
                if (free.isPresent()) {
                    return free.get();
                }
            }
        } catch (IOException e) {
            throw UserError.of("cannot create a run folder in " + outputDir, e);
        }
    }

    /** The folder that {@link #create} would take, which is not made. */
    public static Path planned(Path outputDir, String name) {
        if (Files.exists(outputDir) && !Files.isDirectory(outputDir)) {
            throw new UserError(outputDir + " is a file: give a folder as output_dir");
        }
        try {
            if (name != null) {
                Path path = outputDir.resolve(name);
                if (Files.exists(path) && !isUnused(path)) {
                    throw taken(path);
                }
                return path;
            }
            int i = 1;
            while (Files.exists(outputDir.resolve("run-" + i)) && !isUnused(outputDir.resolve("run-" + i))) {
                i++;
            }
            return outputDir.resolve("run-" + i);
        } catch (IOException e) {
            throw UserError.of("cannot read " + outputDir, e);
        }
    }

    private static UserError taken(Path path) {
        return new UserError(path + " exists: choose another --run-name, or go on with --resume " + path);
    }

    /** The folder of an earlier run; what a killed process left half done is removed. */
    public static RunFolder open(Path path) {
        if (!Files.isRegularFile(path.resolve(CONFIG))) {
            throw new UserError(path + " is not the folder of a run: it has no " + CONFIG);
        }
        RunFolder folder = lock(path).orElseThrow(() -> new UserError(path + " is in use: a process writes to it"));
        try {
            AtomicFiles.recover(path);
            AtomicFiles.recover(folder.completions());
            return folder;
        } catch (RuntimeException e) {
            folder.close();
            throw e;
        }
    }

    /** The folder, unless it holds a run or something else already, or another process was quicker to take it. */
    private static Optional<RunFolder> take(Path path) throws IOException {
        try {
            Files.createDirectory(path);
        } catch (FileAlreadyExistsException e) {
            if (!isUnused(path)) {
                return Optional.empty();
            }
        }
        Optional<RunFolder> folder = lock(path);
        // looked at again: a whole run may have come and gone before the lock
        if (folder.isPresent() && !isUnused(path)) {
            folder.get().close();
            return Optional.empty();
        }
        folder.ifPresent(f -> AtomicFiles.recover(f.path));
        return folder;
    }

    private static boolean isUnused(Path path) throws IOException {
        if (!Files.isDirectory(path)) {
            return false;
        }
        try (Stream<Path> entries = Files.list(path)) {
            return entries.allMatch(e -> BEFORE_SETTINGS.matcher(e.getFileName().toString()).matches());
        }
    }

    /** Two writers would ruin a run. */
    private static Optional<RunFolder> lock(Path path) {
        return FolderLock.take(path).map(lock -> new RunFolder(path, lock));
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
            throw UserError.of("cannot create " + completions(), e);
        }
    }

    /** The file for what benchmarks came to after a step. */
    public Path evaluation(int step) {
        Path folder = path.resolve("evaluations");
        try {
            return Files.createDirectories(folder).resolve(String.format(Locale.ROOT, "step-%06d.json", step));
        } catch (IOException e) {
            throw UserError.of("cannot create " + folder, e);
        }
    }

    /** The checkpoint of the latest step. */
    public Optional<Path> newestCheckpoint() {
        return checkpoints().stream().reduce((earlier, later) -> later);
    }

    /** The steps that there are checkpoints of, in ascending order. */
    public List<Integer> checkpointSteps() {
        return checkpoints().stream().map(f -> number(f, CHECKPOINT)).toList();
    }

    /** Removes all checkpoints but the newest {@code limit} (0 keeps all) and those of steps that are needed still. */
    public void keepNewest(int limit, IntPredicate needed) {
        List<Path> all = checkpoints();
        if (limit > 0 && all.size() > limit) {
            all.subList(0, all.size() - limit).stream().filter(f -> !needed.test(number(f, CHECKPOINT)))
                    .forEach(AtomicFiles::delete);
        }
    }

    /** Removes the checkpoints of steps after this one, whose models were given up. */
    public void forgetCheckpointsAfter(int step) {
        checkpoints().stream().filter(f -> number(f, CHECKPOINT) > step).forEach(AtomicFiles::delete);
    }

    /** Removes completions of steps after this one, which a lost part of the run had written. */
    public void forgetCompletionsAfter(int step) {
        numbered(completions(), COMPLETIONS).stream().filter(f -> number(f, COMPLETIONS) > step)
                .forEach(AtomicFiles::delete);
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
            throw UserError.of("cannot read " + folder, e);
        }
    }

    private static int number(Path entry, Pattern pattern) {
        Matcher name = pattern.matcher(entry.getFileName().toString());
        return name.matches() ? Integer.parseInt(name.group(1)) : -1;
    }

    /** Lets other processes write. */
    @Override
    public void close() {
        lock.close();
    }
}
