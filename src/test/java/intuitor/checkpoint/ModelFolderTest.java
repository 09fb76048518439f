package intuitor.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import intuitor.checkpoint.SafetensorsWriter.Entry;
import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Tensor;
import intuitor.device.TestDevices;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelFolderTest {

    @TempDir
    Path dir;

    @BeforeEach
    void config() throws IOException {
        Files.writeString(dir.resolve("config.json"), "{}");
    }

    @Test
    void smallModelsAreOneFile() {
        ShardedWriter.write(dir, List.of(zeros("b", 4), zeros("a", 4)), 32);
        try (var model = ModelFolder.open(dir)) {
            assertEquals(Set.of("a", "b"), model.tensors().keySet());
        }
        assertTrue(Files.exists(dir.resolve("model.safetensors")));
        assertFalse(Files.exists(dir.resolve(ShardIndex.FILE)));
    }

    /** Shards as huggingface_hub 1.33 splits the same tensors, the index as transformers formats it. */
    @Test
    void largeModelsAreShards() throws IOException {
        List<Entry> tensors = List.of(zeros("e", 4), zeros("d", 4), zeros("huge", 9), zeros("c", 3), zeros("b", 6));
        ShardedWriter.write(dir, tensors, 32);
        assertEquals("""
                {
                  "metadata": {
                    "total_size": 104
                  },
                  "weight_map": {
                    "b": "model-00004-of-00004.safetensors",
                    "c": "model-00003-of-00004.safetensors",
                    "d": "model-00002-of-00004.safetensors",
                    "e": "model-00002-of-00004.safetensors",
                    "huge": "model-00001-of-00004.safetensors"
                  }
                }
                """, Files.readString(dir.resolve(ShardIndex.FILE)));
        try (var model = ModelFolder.open(dir)) {
            assertEquals(Set.of("b", "c", "d", "e", "huge"), model.tensors().keySet());
        }
    }

    @Test
    void saysWhatIsMissing() throws IOException {
        expectError(dir, "has no weights");
        Files.createFile(dir.resolve("pytorch_model.bin"));
        expectError(dir, "PyTorch weights only");
        Files.delete(dir.resolve("config.json"));
        expectError(dir, "it has no config.json");
        expectError(dir.resolve("none"), "no such model folder");
    }

    @Test
    void saysWhichTensorsAreMissing() {
        List<Entry> tensors = List.of(zeros("a", 1), zeros("b", 1), zeros("c", 1), zeros("d", 1), zeros("e", 1));
        ShardedWriter.write(dir, tensors, 100);
        try (var model = ModelFolder.open(dir)) {
            model.requireTensors(List.of("a", "e"));
            var error = assertThrows(UserError.class, () -> model.requireTensors(List.of("a", "x")));
            assertEquals(dir + " lacks tensor x; it has a, b, c, d and 1 more", error.getMessage());
            error = assertThrows(UserError.class, () -> model.requireTensors(List.of("u", "v", "w", "x", "y", "z")));
            assertTrue(error.getMessage().contains("lacks 6 tensors: u, v, w, x and 2 more"), error.getMessage());
        }
    }

    @Test
    void weightsThatAreNotNumbersAreRefused() {
        try (Device device = TestDevices.open(1); Arena arena = device.arena("test")) {
            Tensor sound = arena.upload("a", new float[] {1, -Float.MAX_VALUE, 0}, 3);
            Tensor broken = arena.upload("b", new float[] {1, Float.NaN, 0}, 3);
            ShardedWriter.write(dir, List.of(Entry.of("a", sound, DType.F32, device),
                    Entry.of("b", broken, DType.F32, device), Entry.of("c", sound, DType.F16, device)), 100);
            Tensor loaded = arena.allocate("loaded", DType.F32, 3);
            try (var model = ModelFolder.open(dir)) {
                model.load("a", loaded, device);
                float[] values = new float[3];
                device.download(values, loaded);
                assertArrayEquals(new float[] {1, -Float.MAX_VALUE, 0}, values);
                for (String name : List.of("b", "c")) { // c: too large for its type, so an infinity
                    var error = assertThrows(UserError.class, () -> model.load(name, loaded, device));
                    assertEquals(dir.resolve("model.safetensors") + ": tensor '" + name
                            + "' has a NaN or an infinity in it", error.getMessage());
                }
                var error = assertThrows(UserError.class, () -> model.load("d", loaded, device));
                assertEquals(dir + " lacks tensor d; it has a, b, c", error.getMessage());
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
            {"weight_map":{"a":"s1.safetensors","b":"s2.safetensors"}} | its index names s2.safetensors
            {"weight_map":{"a":"s1.safetensors","b":"s1.safetensors"}} | s1.safetensors has no tensor 'b'
            {"weight_map":{"a":"../s1.safetensors"}} | which is not a file name
            {"weight_map":{"a":1}} | tensor 'a' is in 1
            {"weight_map":{"a":"s1.safetensors","a":"s1.safetensors"}} | not valid JSON: Duplicate
            {"weight_map":{}} | has no weight_map
            [] | has no weight_map
            { | not valid JSON
            """)
    void refusesADamagedIndex(String index, String expected) throws IOException {
        SafetensorsWriter.write(dir.resolve("s1.safetensors"), List.of(zeros("a", 1)), SafetensorsWriter.METADATA);
        Files.writeString(dir.resolve(ShardIndex.FILE), index);
        expectError(dir, expected);
    }

    @Test
    void copiesSettingsButNotWeights() throws IOException {
        Path from = Files.createDirectory(dir.resolve("from"));
        Path to = Files.createDirectory(dir.resolve("to"));
        var names = List.of("config.json", "tokenizer.json", "chat_template.jinja", "model.safetensors", "notes");
        for (String name : names) {
            Files.writeString(from.resolve(name), name);
        }
        Files.writeString(to.resolve("config.json"), "old");
        ModelFolder.copySettings(from, to);
        assertEquals("config.json", Files.readString(to.resolve("config.json")));
        assertTrue(Files.exists(to.resolve("tokenizer.json")));
        assertTrue(Files.exists(to.resolve("chat_template.jinja")));
        assertFalse(Files.exists(to.resolve("model.safetensors")));
        assertFalse(Files.exists(to.resolve("notes")));
    }

    private static void expectError(Path folder, String expected) {
        var error = assertThrows(UserError.class, () -> ModelFolder.open(folder).close());
        assertTrue(error.getMessage().contains(expected), error.getMessage());
        assertTrue(error.getMessage().contains(folder.toString()), error.getMessage());
        assertFalse(error.getMessage().contains("\n"), error.getMessage());
    }

    private static Entry zeros(String name, int elements) {
        return new Entry(name, DType.F32, new long[] {elements}, out -> out.write(ByteBuffer.allocate(4 * elements)));
    }
}
