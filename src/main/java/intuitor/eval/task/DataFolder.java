package intuitor.eval.task;

import intuitor.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The folder that holds the benchmarks, each in a folder as it comes from the hub:
 * {@code gsm8k/main/test-00000-of-00001.parquet}.
 */
public final class DataFolder {

    private static final int DEPTH = 4;

    private final Path path;
    private final Map<String, Long> sizes = new TreeMap<>();

    public DataFolder(Path path) {
        if (!Files.isDirectory(path)) {
            throw new UserError("--data: no such folder: " + path);
        }
        this.path = path;
    }

    /**
     * The files that were looked up so far, below this folder, and their sizes in bytes: they tell one state of the
     * data from another.
     */
    public Map<String, Long> sizes() {
        return Map.copyOf(sizes);
    }

    /**
     * The files of a benchmark, by name.
     *
     * @param folders names that its folder may have, in any case
     * @param pattern of the file's path below that folder, with / between names
     * @param source  where to get it, for the message
     */
    List<Path> files(List<String> folders, Pattern pattern, String source) {
        Path folder = children().filter(p -> Files.isDirectory(p)
                        && folders.stream().anyMatch(f -> f.equalsIgnoreCase(p.getFileName().toString()))).findFirst()
                .orElseThrow(() -> new UserError(path + " has no folder " + String.join(" or ", folders)
                        + "; it is to hold " + source));
        try (Stream<Path> tree = Files.walk(folder, DEPTH)) {
            List<Path> files = tree.filter(Files::isRegularFile)
                    .filter(f -> pattern.matcher(folder.relativize(f).toString().toLowerCase(Locale.ROOT)).matches())
                    .sorted().toList();
            if (files.isEmpty()) {
                throw new UserError(folder + " does not hold the files of " + source + ": none is like " + pattern);
            }
            for (Path file : files) {
                sizes.put(path.relativize(file).toString(), Files.size(file));
            }
            return files;
        } catch (IOException e) {
            throw UserError.of("cannot read " + folder, e);
        }
    }

    private Stream<Path> children() {
        try (Stream<Path> entries = Files.list(path)) {
            return entries.sorted().toList().stream();
        } catch (IOException e) {
            throw UserError.of("cannot read " + path, e);
        }
    }
}
