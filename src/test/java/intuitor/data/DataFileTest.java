package intuitor.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataFileTest {

    private static final Path DATA = Path.of("src/test/resources/intuitor/eval/data");

    @TempDir
    Path folder;

    @Test
    void parquetWithTexts() {
        List<Row> rows = DataFile.read(DATA.resolve("gsm8k/main/test-00000-of-00001.parquet"));
        assertEquals(4, rows.size());
        assertEquals("It is 4 degrees and gets 9 degrees colder. How many degrees is it?",
                rows.get(2).text("question"));
        assertEquals("4-9=-5\n#### -5", rows.get(2).text("answer"));
    }

    @Test
    void parquetWithLists() {
        List<Row> rows = DataFile.read(DATA.resolve("MMLU-Pro/data/test-00000-of-00001.parquet"));
        assertEquals(List.of("2", "5", "N/A", "N/A"), rows.get(1).texts("options"));
        assertEquals(10, rows.get(0).texts("options").size());
        assertEquals(71, rows.get(1).integer("question_id"));
        assertEquals("B", rows.get(1).text("answer"));
    }

    @Test
    void parquetWithListsOfListsAndStructsAndNulls() {
        List<Row> rows = DataFile.read(DATA.resolve("nested.parquet"));
        assertEquals("{\"name\":\"a\",\"nested\":[[\"x\",null],[],null],\"tests\":{\"input\":[\"1\",\"2\"],\"n\":3},"
                + "\"prompt\":[{\"role\":\"user\",\"content\":\"hi\"}],\"flag\":true,\"number\":0.5,\"nothing\":null}",
                rows.get(0).fields().toString());
        assertEquals("{\"name\":\"b\",\"nested\":null,\"tests\":null,\"prompt\":[],"
                + "\"flag\":false,\"number\":-2.0,\"nothing\":null}",
                rows.get(1).fields().toString());
    }

    @Test
    void linesCanBeReadAgainWhereTheyLie() throws IOException {
        Path file = Files.writeString(folder.resolve("x.jsonl"), "{\"a\": \"ü\"}\n\n  \n{\"a\": \"second\"}\r\n{\"a\": "
                + "\"last\"}");
        List<String> again = new ArrayList<>();
        DataFile.forEachLine(file, (row, offset, length) -> again.add(DataFile.lineAt(file, offset, length).text("a")));
        assertEquals(List.of("ü", "second", "last"), again);
        assertEquals(3, DataFile.read(file).size());
    }

    @Test
    void whatIsWrongIsSaidInALine() throws IOException {
        assertSays(folder.resolve("none.jsonl"), "none.jsonl: no such file");
        assertSays(folder.resolve("none.parquet"), "none.parquet: no such file");
        assertSays(Files.writeString(folder.resolve("a.jsonl"), "{\"a\": 1}\n{\"a\"\n"), "a.jsonl:2: not valid JSON");
        assertSays(Files.writeString(folder.resolve("b.jsonl"), "[1]\n"), "b.jsonl:1: expected a JSON object");
        assertSays(Files.writeString(folder.resolve("c.json"), "{\"a\": {}}"), "c.json: expected a list of objects");
        assertSays(Files.writeString(folder.resolve("d.json"), "[1]"), "d.json, element 1: expected a JSON object");
        assertSays(Files.writeString(folder.resolve("e.parquet"), "PAR1 nothing"), "e.parquet: not a parquet file");
        assertSays(DATA.resolve("zstd.parquet"), "zstd.parquet: not a parquet file that can be read: ");
    }

    @Test
    void aDamagedParquetFileIsReadOrRefused() throws IOException {
        byte[] whole = Files.readAllBytes(DATA.resolve("nested.parquet"));
        for (int at = 4; at < whole.length; at += 113) {
            byte[] damaged = whole.clone();
            damaged[at] ^= 0x5a;
            try {
                ParquetFile.forEach(Files.write(folder.resolve("f.parquet"), damaged), List.of(), row -> { },
                        Duration.ofMillis(500));
            } catch (UserError e) {
                assertTrue(e.getMessage().contains("f.parquet: not a parquet file"), e.getMessage());
            }
        }
    }

    private static void assertSays(Path file, String message) {
        UserError e = assertThrows(UserError.class, () -> DataFile.read(file));
        assertTrue(e.getMessage().contains(message), e.getMessage());
    }

    @Test
    void aMissingColumnIsNamedWithThoseThatAreThere() {
        Row row = DataFile.read(DATA.resolve("gsm8k/main/test-00000-of-00001.parquet")).get(0);
        for (UserError e : List.of(assertThrows(UserError.class, () -> row.text("problem")),
                assertThrows(UserError.class, () -> row.integer("question")),
                assertThrows(UserError.class, () -> row.texts("answer")))) {
            assertTrue(e.getMessage().contains("row 1: no ") && e.getMessage().contains("[question, answer]"),
                    e.getMessage());
        }
    }

    /** Two configurations of one data set would be read as twice as many rows. */
    @Test
    void aFolderWithSeveralTrainingSplitsIsRefused() throws IOException {
        Files.createDirectories(folder.resolve("main"));
        Path one = Files.writeString(folder.resolve("main/train-00000-of-00001.jsonl"), "{\"a\": 1}\n");
        Files.writeString(folder.resolve("main/test.jsonl"), "{\"a\": 2}\n");
        assertEquals(List.of(one), DataFile.files(folder));
        Files.createDirectories(folder.resolve("socratic"));
        Path other = Files.writeString(folder.resolve("socratic/train-00000-of-00001.jsonl"), "{\"a\": 1}\n");
        assertEquals(folder
                + ": files of a training split in several folders (main, socratic); name one folder or file",
                assertThrows(UserError.class, () -> DataFile.files(folder)).getMessage());
        Files.delete(other);
        Files.writeString(folder.resolve("main/train.csv"), "a\n1\n");
        assertEquals(folder + ": files of a training split in several formats (jsonl, csv); name one folder or file",
                assertThrows(UserError.class, () -> DataFile.files(folder)).getMessage());
    }
}
