package intuitor.eval.run;

import intuitor.Json;
import intuitor.UserError;
import intuitor.checkpoint.AtomicFiles;
import intuitor.checkpoint.FolderLock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * The folder of an evaluation, which one process at a time may write:
 * <pre>
 *   TASK/settings.json        what the completions depend on
 *   TASK/completions.jsonl    a line a completion, with its verdict
 *   TASK/times.json           what these completions took
 *   TASK/summary.json         what it came to; written last
 * </pre>
 */
public final class EvaluationFolder implements AutoCloseable {

    private static final String CACHE = "kv_cache_mib";
    private static final String SETTINGS = "settings.json";
    private static final String COMPLETIONS = "completions.jsonl";
    private static final String TIMES = "times.json";
    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(SerializationFeature.INDENT_OUTPUT).build();

    private final Path path;
    private final FolderLock lock;

    private EvaluationFolder(Path path, FolderLock lock) {
        this.path = path;
        this.lock = lock;
    }

    /** Creates the folder where there is none, and keeps other processes from writing to it. */
    public static EvaluationFolder open(Path path) {
        try {
            Files.createDirectories(path);
        } catch (IOException e) {
            throw UserError.of("cannot write to " + path, e);
        }
        return FolderLock.take(path).map(lock -> new EvaluationFolder(path, lock))
                .orElseThrow(() -> new UserError(path + " is in use: a process writes to it"));
    }

    /** The results of a task so far; a {@link UserError} where they were made with other settings. */
    ResultsFile results(String task, Map<String, ?> settings, int batch, int all) {
        Path folder = path.resolve(task);
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw UserError.of("cannot write to " + folder, e);
        }
        AtomicFiles.recover(folder);
        Path file = folder.resolve(SETTINGS);
        JsonNode now = JSON.readTree(JSON.writeValueAsString(settings));
        if (Files.exists(file)) {
            JsonNode then = JSON.readTree(file.toFile());
            Json.difference(then, now).ifPresent(difference -> {
                throw new UserError(folder + " holds results of another evaluation: " + difference + "; give "
                        + sameCache(then, now) + "another --output, or remove the folder");
            });
        } else {
            AtomicFiles.writeString(file, JSON.writeValueAsString(settings) + "\n");
        }
        return ResultsFile.open(folder.resolve(COMPLETIONS), batch, all);
    }

    /** How to have the cache that there was: on a GPU its size may be the memory's choice, not the user's. */
    private static String sameCache(JsonNode then, JsonNode now) {
        JsonNode cache = then.get(CACHE);
        return cache == null || cache.equals(now.get(CACHE)) ? "" : "--kv-cache-mib " + cache + ", ";
    }

    /** What a task's completions have taken, in all sittings; nothing where that was not written down. */
    Times times(String task) {
        Path file = path.resolve(task).resolve(TIMES);
        try {
            return Files.exists(file) ? JSON.readValue(file.toFile(), Times.class) : Times.NONE;
        } catch (JacksonException e) {
            throw new UserError(file + ": damaged; remove it to count from 0", e);
        }
    }

    void writeTimes(String task, Times times) {
        AtomicFiles.writeString(path.resolve(task).resolve(TIMES), JSON.writeValueAsString(times) + "\n");
    }

    void writeSummary(Summary summary, Times times) {
        Map<String, Object> map = new TreeMap<>(JSON.convertValue(times, new TypeReference<Map<String, Object>>() { }));
        map.putAll(JSON.convertValue(summary, new TypeReference<Map<String, Object>>() { }));
        AtomicFiles.writeString(path.resolve(summary.task()).resolve("summary.json"),
                JSON.writeValueAsString(map) + "\n");
    }

    public Path path() {
        return path;
    }

    /** Where a further file of a task goes. */
    public Path file(String task, String name) {
        return path.resolve(task).resolve(name);
    }

    /** The tasks that a folder holds results of. */
    public static List<String> tasks(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new UserError("no such folder: " + folder);
        }
        try (Stream<Path> entries = Files.list(folder)) {
            List<String> tasks = entries.filter(e -> Files.exists(e.resolve(COMPLETIONS)))
                    .map(e -> e.getFileName().toString()).sorted().toList();
            if (tasks.isEmpty()) {
                throw new UserError(folder + " is not the folder of an evaluation: it holds no results");
            }
            return tasks;
        } catch (IOException e) {
            throw UserError.of("cannot read " + folder, e);
        }
    }

    /** The results of a task in a folder, as far as they go. */
    public static List<Result> read(Path folder, String task) {
        Path file = folder.resolve(task).resolve(COMPLETIONS);
        if (!Files.exists(file)) {
            throw new UserError(folder + " has no results of " + task);
        }
        try {
            return ResultsFile.read(file);
        } catch (JacksonException e) {
            throw new UserError(file + ": damaged", e);
        }
    }

    @Override
    public void close() {
        lock.close();
    }
}
