package intuitor.eval.run;

import intuitor.UserError;
import intuitor.checkpoint.AtomicFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code completions.jsonl}: a line a completion, in the problems' order. Lines are added a batch at a time and forced
 * to the disk; what a killed process left behind a whole batch is cut off when the file is opened again.
 */
public final class ResultsFile implements AutoCloseable {

    private static final JsonMapper JSON =
            JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();

    private final Path file;
    private final FileChannel channel;
    private final List<Result> results;

    private ResultsFile(Path file, FileChannel channel, List<Result> results) {
        this.file = file;
        this.channel = channel;
        this.results = results;
    }

    /**
     * Opens the file to go on with it. Lines beyond those asked for stay in it: a smaller {@code --limit} loses
     * nothing.
     *
     * @param batch lines of a whole batch
     * @param all   lines asked for: the last batch may be smaller
     */
    static ResultsFile open(Path file, int batch, int all) {
        List<Result> there = new ArrayList<>(Files.exists(file) ? read(file) : List.of());
        int kept = there.size() >= all ? all : there.size() / batch * batch;
        List<Result> results = new ArrayList<>(there.subList(0, kept));
        try {
            FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (kept < all) {
                channel.truncate(bytes(results).remaining());
            }
            channel.position(channel.size());
            return new ResultsFile(file, channel, results);
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }

    /** All whole lines; one at the end that was cut off is left out. */
    public static List<Result> read(Path file) {
        List<Result> results = new ArrayList<>();
        try {
            for (String line : AtomicFiles.readWholeLines(file).lines().toList()) {
                results.add(JSON.readValue(line, Result.class));
            }
            return results;
        } catch (JacksonException e) {
            throw new UserError(file + ":" + (results.size() + 1) + ": damaged; remove the folder to evaluate again",
                    e);
        } catch (IOException e) {
            throw UserError.of("cannot read " + file, e);
        }
    }

    /** What it holds so far of what was asked for. */
    List<Result> results() {
        return results;
    }

    void append(List<Result> batch) {
        ByteBuffer bytes = bytes(batch);
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        } catch (IOException e) {
            throw unwritable(file, e);
        }
        results.addAll(batch);
    }

    private static ByteBuffer bytes(List<Result> results) {
        StringBuilder lines = new StringBuilder();
        results.forEach(r -> lines.append(JSON.writeValueAsString(r)).append('\n'));
        return StandardCharsets.UTF_8.encode(lines.toString());
    }

    private static UserError unwritable(Path file, IOException e) {
        return UserError.of("cannot write " + file, e);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }
}
