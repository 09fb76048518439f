package intuitor.data;

import dev.hardwood.InputFile;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowReader;
import dev.hardwood.row.PqList;
import dev.hardwood.row.PqStruct;
import dev.hardwood.row.StructAccessor;
import dev.hardwood.schema.ColumnProjection;
import intuitor.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads parquet files: flat columns, and lists and structs nested in any way.
 *
 * <p>By hardwood: 0.7 MB that need nothing else, where parquet-java would bring Hadoop's libraries. Files may be
 * uncompressed, or compressed with snappy (as data sets are) or gzip.
 */
final class ParquetFile {

    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final long IN_MEMORY = 256L << 20;
    private static final Duration STALL = Duration.ofSeconds(60);

    /** It would tell everybody which instructions it does without. Held, as loggers are collected. */
    private static final Logger LOGGER = Logger.getLogger("dev.hardwood");

    static {
        LOGGER.setLevel(Level.WARNING);
    }

    private ParquetFile() { }

    /** @param columns as of {@link DataFile#forEach} */
    static void forEach(Path file, List<Set<String>> columns, Consumer<Row> sink) {
        forEach(file, columns, sink, STALL);
    }

    /** @param stall longest wait for a next row: on some damaged files hardwood waits for ever */
    static void forEach(Path file, List<Set<String>> columns, Consumer<Row> sink, Duration stall) {
        if (!Files.isRegularFile(file)) {
            throw new UserError(file + ": no such file");
        }
        AtomicInteger progress = new AtomicInteger();
        FutureTask<Void> work = new FutureTask<>(() -> readInto(sink, file, columns, progress), null);
        Thread reader = Thread.ofPlatform().daemon().name("parquet").start(work);
        try {
            for (int seen = 0; ; seen = progress.get()) {
                try {
                    work.get(stall.toMillis(), TimeUnit.MILLISECONDS);
                    return;
                } catch (TimeoutException e) {
                    if (progress.get() == seen) {
                        reader.interrupt();
                        throw new UserError(file + ": nothing more can be read of this parquet file for "
                                + stall.toSeconds() + " s: it is damaged, or the machine far too busy", e);
                    }
                }
            }
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UserError wrong) { // said by whoever looks at the rows
                throw wrong;
            }
            if (e.getCause() instanceof Error fatal) { // such as too little memory: the file may well be whole
                throw fatal;
            }
            // hardwood's exceptions are of many types: whatever it is, this file cannot be read
            throw new UserError(file + ": not a parquet file that can be read: " + reason(e), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UserError(file + ": reading was interrupted", e);
        }
    }

    private static void readInto(Consumer<Row> sink, Path file, List<Set<String>> columns, AtomicInteger progress) {
        try (ParquetFileReader reader = ParquetFileReader.open(input(file));
                RowReader row = reader.buildRowReader().projection(projection(reader, columns)).build()) {
            while (row.hasNext()) {
                row.next();
                sink.accept(new Row(object(row), file + ", row " + progress.incrementAndGet()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** All columns where something asked for is not there, so that a message can name those that are. */
    private static ColumnProjection projection(ParquetFileReader reader, List<Set<String>> columns) {
        Set<String> there = new TreeSet<>();
        reader.getFileSchema().getRootNode().children().forEach(node -> there.add(node.name()));
        if (columns.isEmpty() || columns.stream().anyMatch(names -> Collections.disjoint(names, there))) {
            return ColumnProjection.all();
        }
        return ColumnProjection.columns(columns.stream().flatMap(Set::stream).distinct().filter(there::contains)
                .toArray(String[]::new));
    }

    /** In memory where it fits: a mapped file that somebody changes or cuts off ends the process. */
    private static InputFile input(Path file) throws IOException {
        return Files.size(file) <= IN_MEMORY ? InputFile.of(ByteBuffer.wrap(Files.readAllBytes(file)))
                : InputFile.of(file);
    }

    private static String reason(Throwable e) {
        Throwable cause = e;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    }

    private static ObjectNode object(StructAccessor struct) {
        ObjectNode object = NODES.objectNode();
        for (int i = 0; i < struct.getFieldCount(); i++) {
            object.set(struct.getFieldName(i), struct.isNull(i) ? NODES.nullNode() : node(struct.getValue(i)));
        }
        return object;
    }

    private static JsonNode node(Object value) {
        return switch (value) {
            case null -> NODES.nullNode();
            case String s -> NODES.stringNode(s);
            case Boolean b -> NODES.booleanNode(b);
            case Integer i -> NODES.numberNode(i);
            case Long l -> NODES.numberNode(l);
            case Float f -> NODES.numberNode(f);
            case Double d -> NODES.numberNode(d);
            case byte[] b -> NODES.binaryNode(b);
            case PqStruct s -> object(s);
            case PqList l -> array(l);
            default -> NODES.stringNode(value.toString()); // dates and the like
        };
    }

    private static ArrayNode array(PqList list) {
        ArrayNode array = NODES.arrayNode();
        for (int i = 0; i < list.size(); i++) {
            array.add(list.isNull(i) ? NODES.nullNode() : node(list.get(i)));
        }
        return array;
    }
}
