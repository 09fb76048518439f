package intuitor.data;

import intuitor.Json;
import intuitor.UserError;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads the rows of a data set's file: {@code .parquet}, {@code .csv} (with a line of names), {@code .json} (a list),
 * or {@code .jsonl} and all others (an object a line).
 */
public final class DataFile {

    /** Test cases of programming problems are texts of a hundred megabytes. */
    private static final JsonMapper JSON = new JsonMapper(JsonFactory.builder().streamReadConstraints(
            StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).maxDocumentLength(Long.MAX_VALUE)
                    .build()).build());
    private static final int BUFFER = 1 << 16;
    /**
     * The files of a data set's folder that are read: the training split's, as {@code train-00000-of-00002.parquet}.
     */
    private static final Pattern TRAINING_SPLIT = Pattern.compile("train(?![a-zA-Z]).*\\.(parquet|csv|jsonl|json)");

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
        List<Row> rows = new ArrayList<>();
        forEach(file, List.of(), rows::add);
        return rows;
    }

    /**
     * All rows, one after the other, so that a large file need not fit into memory.
     *
     * @param columns what is read of a file that stores columns apart, each under one of several names; empty: all
     */
    static void forEach(Path file, List<Set<String>> columns, Consumer<Row> sink) {
        String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
        if (name.endsWith(".parquet")) {
            ParquetFile.forEach(file, columns, sink);
        } else if (name.endsWith(".json")) {
            readList(file).forEach(sink);
        } else if (name.endsWith(".csv")) {
            try {
                CsvFile.forEach(file, sink);
            } catch (IOException e) {
                throw unreadable(file, e);
            }
        } else {
            forEachLine(file, (row, offset, length) -> sink.accept(row));
        }
    }

    /** A file itself; of a folder, the files of its training split, in the order of their names. */
    public static List<Path> files(Path path) {
        if (!Files.isDirectory(path)) {
            return List.of(path);
        }
        try (Stream<Path> tree = Files.walk(path, 2)) {
            List<Path> files = tree.filter(Files::isRegularFile)
                    .filter(f -> TRAINING_SPLIT.matcher(f.getFileName().toString()).matches()).sorted().toList();
            if (files.isEmpty()) {
                throw new UserError(path + ": a folder without a file of a training split, such as "
                        + "train-00000-of-00001.parquet; name a file");
            }
            requireOne(path, "folders", files.stream().map(f -> path.relativize(f.getParent()).toString()));
            requireOne(path, "formats", files.stream().map(f -> extension(f.getFileName().toString())));
            return files;
        } catch (UncheckedIOException e) { // from within the walk
            throw unreadable(path, e.getCause());
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    /** Several are most likely several editions of the same rows. */
    private static void requireOne(Path path, String what, Stream<String> values) {
        List<String> different = values.distinct().toList();
        if (different.size() > 1) {
            throw new UserError(path + ": files of a training split in several " + what + " ("
                    + String.join(", ", different) + "); name one folder or file");
        }
    }

    private static String extension(String name) {
        return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
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
            throw new UserError(where + (isUtf8(line) ? ": not valid JSON: " + Json.complaint(e) : ": not UTF-8 text"),
                    e);
        }
    }

    private static boolean isUtf8(byte[] bytes) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }

    private static Row row(JsonNode node, String where) {
        if (!node.isObject()) {
            throw new UserError(where + ": expected a JSON object");
        }
        return new Row(node, where);
    }

    private static UserError unreadable(Path file, IOException e) {
        return e instanceof NoSuchFileException ? new UserError(file + ": no such file", e)
                : UserError.of("cannot read " + file, e);
    }
}
