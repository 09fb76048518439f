package intuitor.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsFileTest {

    @TempDir
    Path dir;

    @Test
    void readsWhatTheHeaderDescribes() throws IOException {
        Path path = file("""
                {"__metadata__":{"format":"pt"},\
                "b":{"dtype":"F32","shape":[2,3],"data_offsets":[8,32]},\
                "a.ü":{"dtype":"I64","shape":[],"data_offsets":[0,8],"future":{"x":[1]}},\
                "empty":{"dtype":"F8_E4M3","shape":[0,7],"data_offsets":[32,32]},\
                "packed":{"dtype":"F4","shape":[2,2],"data_offsets":[32,34]}}\s\s""", 34);
        try (var file = SafetensorsFile.open(path)) {
            assertEquals(List.of("a.ü", "b", "empty", "packed"), List.copyOf(file.tensors().keySet()));
            assertEquals(Map.of("format", "pt"), file.metadata());
            TensorEntry b = file.tensor("b");
            assertEquals(SafetensorsType.F32, b.type());
            assertArrayEquals(new long[] {2, 3}, b.shape());
            assertEquals(24, b.bytes());
        }
    }

    @Test
    void anEmptyFileOfTensorsIsAFile() throws IOException {
        try (var file = SafetensorsFile.open(file("{}      ", 0))) {
            assertTrue(file.tensors().isEmpty());
        }
    }

    /** Each damaged header, the bytes of data after it, and what the message must say. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
            [1] | 0 | does not start with '{'
            {"a": | 0 | not valid JSON
            {} {} | 0 | follows its header's last '}'
            {"a":1} | 0 | tensor 'a' is not described
            {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{}} | 4 | Duplicate
            {"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}} | 4 | Duplicate
            {"a":{"dtype":"F32","shape":[1]}} | 0 | tensor 'a' lacks
            {"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}} | 4 | tensor 'a' has the unknown dtype 'F31'
            {"a":{"dtype":3,"shape":[1],"data_offsets":[0,4]}} | 4 | tensor 'a' has a dtype that is not text
            {"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}} | 4 | tensor 'a' has a shape that is not a list
            {"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}} | 4 | tensor 'a' has a shape with something other
            {"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}} | 4 | tensor 'a' has a shape with something other
            {"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}} | 4 | out of range
            {"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}} | 4 | tensor 'a' has 1 data_offsets
            {"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}} | 4 | tensor 'a' begins at byte 4 and ends at 0
            {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}} | 4 | tensor 'a' has 4 bytes where F32[2] needs 8
            {"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}} | 4 | tensor 'a' is too large
            {"a":{"dtype":"F32","shape":[2305843009213693952],"data_offsets":[0,4]}} | 4 | tensor 'a' is too large
            {"a":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}} | 1 | tensor 'a' does not end at a whole byte
            {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} | 4 | is truncated: tensor 'a' ends at byte 8
            {"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}} | 8 | tensor 'a' starts at byte 4
            {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} | 6 | the last 2 of its bytes belong to no tensor
            {"__metadata__":{"format":1}} | 0 | 'format' is not text
            {"__metadata__":[]} | 0 | __metadata__ is not an object
            """)
    void refusesADamagedFile(String header, int dataBytes, String expected) throws IOException {
        expectError(file(header, dataBytes), expected);
    }

    @Test
    void refusesOverlapsAndHoles() throws IOException {
        expectError(file("{" + fourBytes("a", 0) + "," + fourBytes("b", 2) + "}", 6), "tensor 'b' overlaps tensor 'a'");
        expectError(file("{" + fourBytes("a", 0) + "," + fourBytes("b", 0) + "}", 4), "tensor 'b' overlaps tensor 'a'");
        expectError(file("{" + fourBytes("a", 0) + "," + fourBytes("b", 5) + "}", 9), "tensor 'b' starts at byte 5");
    }

    private static String fourBytes(String name, int begin) {
        return "\"%s\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[%d,%d]}".formatted(name, begin, begin + 4);
    }

    @Test
    void refusesLengthsThatTheFileCannotHold() throws IOException {
        expectError(raw("x", new byte[0]), "is truncated: it has 0 bytes");
        expectError(raw("x", new byte[7]), "is truncated: it has 7 bytes");
        expectError(raw("x", length(20)), "is truncated: its header has 20 bytes, the file 8");
        expectError(raw("x", length(100_000_001)), "its header would have 100000001 bytes");
        expectError(raw("x", length(-1)), "its header would have 18446744073709551615 bytes");
        expectError(raw("x", length(0)), "does not start with '{'");
        byte[] notText = ByteBuffer.allocate(10).order(ByteOrder.LITTLE_ENDIAN)
                .putLong(2).put((byte) '{').put((byte) 0xff).array();
        expectError(raw("x", notText), "not UTF-8");
    }

    @Test
    void tellsWhatAPointerOfGitLfsIs() throws IOException {
        Path path = raw("x", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n".getBytes());
        expectError(path, "git lfs pull");
    }

    @Test
    void saysWhichFileOrTensorIsMissing() throws IOException {
        expectError(dir.resolve("nothing"), "no such file");
        Path path = file("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1);
        try (var file = SafetensorsFile.open(path)) {
            var error = assertThrows(UserError.class, () -> file.tensor("b"));
            assertEquals(path + " has no tensor 'b'; it has a", error.getMessage());
        }
    }

    private static void expectError(Path path, String expected) {
        var error = assertThrows(UserError.class, () -> SafetensorsFile.open(path).close());
        assertTrue(error.getMessage().contains(expected), error.getMessage());
        assertTrue(error.getMessage().contains(path.toString()), error.getMessage());
        assertFalse(error.getMessage().contains("\n"), error.getMessage());
    }

    private Path file(String header, long dataBytes) throws IOException {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        Path path = raw("model.safetensors", length(json.length));
        Files.write(path, json, StandardOpenOption.APPEND);
        if (dataBytes > 0) {
            try (FileChannel out = FileChannel.open(path, StandardOpenOption.WRITE)) {
                out.write(ByteBuffer.allocate(1), 8 + json.length + dataBytes - 1);
            }
        }
        return path;
    }

    private Path raw(String name, byte[] bytes) throws IOException {
        return Files.write(dir.resolve(name), bytes);
    }

    private static byte[] length(long n) {
        return ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(n).array();
    }
}
