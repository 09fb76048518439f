package intuitor.data;

import intuitor.Json;
import intuitor.UserError;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.MappingIterator;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.dataformat.csv.CsvMapper;
import tools.jackson.dataformat.csv.CsvReadFeature;
import tools.jackson.dataformat.csv.CsvSchema;

/** Reads CSV files (RFC 4180, UTF-8): a line of column names, then a row a record, every value a text. */
final class CsvFile {

    private static final CsvMapper CSV = CsvMapper.builder()
            .enable(CsvReadFeature.SKIP_EMPTY_LINES, CsvReadFeature.FAIL_ON_MISSING_COLUMNS).build();
    private static final JsonMapper JSON = new JsonMapper();
    private static final char BYTE_ORDER_MARK = '\uFEFF';

    private CsvFile() { }

    static void forEach(Path file, Consumer<Row> sink) throws IOException {
        int number = 0;
        try (BufferedReader text = Files.newBufferedReader(file)) {
            text.mark(1);
            if (text.read() != BYTE_ORDER_MARK) {
                text.reset();
            }
            try (MappingIterator<Map<String, String>> rows = CSV.readerFor(Map.class)
                    .with(CsvSchema.emptySchema().withHeader()).readValues(text)) {
                while (rows.hasNextValue()) {
                    Map<String, String> row = rows.nextValue();
                    number++;
                    sink.accept(new Row(JSON.valueToTree(row), file + ", row " + number));
                }
            }
        } catch (CharacterCodingException e) {
            throw new UserError(file + ", row " + (number + 1) + " or later: not UTF-8 text", e);
        } catch (JacksonException e) {
            throw e.getCause() instanceof CharacterCodingException
                    ? new UserError(file + ", row " + (number + 1) + " or later: not UTF-8 text", e)
                    : new UserError(file + ", row " + (number + 1) + ": not valid CSV: " + Json.complaint(e), e);
        }
    }
}
