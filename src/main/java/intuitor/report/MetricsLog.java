package intuitor.report;

import intuitor.Json;
import intuitor.UserError;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code metrics.jsonl}: an object a line, a line a step. A checkpoint notes how long the file was ({@link #sync}), and
 * a run that resumes there cuts off what a later, lost step had added.
 */
public final class MetricsLog implements AutoCloseable {

    private static final JsonMapper JSON = new JsonMapper();

    private final Path file;
    private final FileChannel channel;

    private MetricsLog(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /** Opens the file for more lines, keeping its first {@code keep} bytes. */
    public static MetricsLog open(Path file, long keep) {
        try {
            FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            channel.truncate(keep);
            channel.position(channel.size());
            return new MetricsLog(file, channel);
        } catch (IOException e) {
            throw UserError.of("cannot write " + file, e);
        }
    }

    /** The lines of a file, numbers as numbers; none where it does not exist. */
    public static List<Map<String, Object>> read(Path file) {
        return Files.exists(file) ? Json.lines(file, MetricsLog::line) : List.of();
    }

    private static Map<String, Object> line(String json) {
        return JSON.readValue(json, new TypeReference<>() { });
    }

    /** Adds a line. JSON knows no NaN and no infinity: they become null. */
    public void append(Map<String, ?> metrics) {
        Map<String, Object> line = new LinkedHashMap<>(metrics);
        line.replaceAll((name, value) -> value instanceof Double d && !Double.isFinite(d) ? null : value);
        ByteBuffer bytes = ByteBuffer.wrap((JSON.writeValueAsString(line) + "\n").getBytes(StandardCharsets.UTF_8));
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            throw UserError.of("cannot write " + file, e);
        }
    }

    /** Forces all lines to the disk and returns the length of the file in bytes. */
    public long sync() {
        try {
            channel.force(true);
            return channel.size();
        } catch (IOException e) {
            throw UserError.of("cannot write " + file, e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw UserError.of("cannot write " + file, e);
        }
    }
}
