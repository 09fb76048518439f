package intuitor.data;

import intuitor.Json;
import intuitor.UserError;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads the rows of a data set's file: {@code .parquet}, {@code .jsonl} (an object a line) or {@code .json} (a list).
 */
public final class DataFile {

    /** Test cases of programming problems are texts of a hundred megabytes. */
    private static final JsonMapper JSON = new JsonMapper(JsonFactory.builder().streamReadConstraints(
            StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).maxDocumentLength(Long.MAX_VALUE)
                    .build()).build());
    private static final int BUFFER = 1 << 16;

    /** Sees a row of a JSONL file, and where its line lies. */
    @FunctionalInterface
    public interface LineVisitor {
        /**
         * @param offset first byte of the line in the file
         * @param length of the line in bytes
         */
        void row(Row row, long offset, int length);
    }

    private DataFile() { }

    /** All rows; a {@link UserError} says what is wrong with the file. */
    public static List<Row> read(Path file) {
        String name = file.getFileName().toString();
        if (name.endsWith(".parquet")) {
            return ParquetFile.read(file);
        }
        if (name.endsWith(".json")) {
            return readList(file);
        }
        List<Row> rows = new ArrayList<>();
        forEachLine(file, (row, offset, length) -> rows.add(row));
        return rows;
    }

    private static List<Row> readList(Path file) {
        JsonNode list;
        try (InputStream in = Files.newInputStream(file)) {
            list = JSON.readTree(in);
        } catch (JacksonException e) {
            throw new UserError(file + ": not valid JSON: " + Json.complaint(e), e);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
        List<Row> rows = new ArrayList<>();
        for (JsonNode element : list) {
            rows.add(row(element, file + ", element " + (rows.size() + 1)));
        }
        if (!list.isArray()) {
            throw new UserError(file + ": expected a list of objects");
        }
        return rows;
    }

    /** The rows of a JSONL file, one after the other, so that it need not fit into memory. */
    public static void forEachLine(Path file, LineVisitor visitor) {
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file), BUFFER)) {
            ByteArrayOutputStream line = new ByteArrayOutputStream();
            long start = 0;
            int number = 0;
            for (int b = in.read(); ; b = in.read()) {
                if (b >= 0 && b != '\n') {
                    line.write(b);
                    continue;
                }
                number++;
                if (!line.toString(StandardCharsets.UTF_8).isBlank()) {
                    visitor.row(parse(line.toByteArray(), file + ":" + number), start, line.size());
                }
                start += line.size() + 1L;
                line = new ByteArrayOutputStream();
                if (b < 0) {
                    return;
                }
            }
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    /** A line of a JSONL file again. */
    public static Row lineAt(Path file, long offset, int length) {
        try (FileChannel channel = FileChannel.open(file)) {
            ByteBuffer bytes = ByteBuffer.allocate(length);
            while (bytes.hasRemaining() && channel.read(bytes, offset + bytes.position()) >= 0) {
                // until the whole line is there
            }
            return parse(bytes.array(), file + ", the line at byte " + offset);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    private static Row parse(byte[] line, String where) {
        try {
            return row(JSON.readTree(line), where);
        } catch (JacksonException e) {
            throw new UserError(where + ": not valid JSON: " + Json.complaint(e), e);
        }
    }

    private static Row row(JsonNode node, String where) {
        if (!node.isObject()) {
            throw new UserError(where + ": expected a JSON object");
        }
        return new Row(node, where);
    }

    private static UserError unreadable(Path file, IOException e) {
        return new UserError(e instanceof NoSuchFileException ? file + ": no such file"
                : file + ": cannot be read: " + e.getMessage(), e);
    }
}
