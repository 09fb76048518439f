package intuitor.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import intuitor.checkpoint.ModelFolder;
import intuitor.checkpoint.SafetensorsWriter;
import intuitor.checkpoint.SafetensorsWriter.Entry;
import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Tensor;
import intuitor.device.TestDevices;
import intuitor.model.ParameterSet.HuggingFaceTensor;
import intuitor.model.ReferenceModel.Shape;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class ParameterSetTest {

    private static Device device;

    @TempDir
    Path folder;

    @BeforeAll
    static void open() {
        device = TestDevices.open(2);
    }

    @AfterAll
    static void close() {
        device.close();
    }

    @Test
    void tensorsHaveTheNamesAndShapesOfTransformers() {
        try (TestModel m = new TestModel(device, TestModel.QWEN2)) {
            List<String> names = m.parameters.huggingFace().stream()
                    .map(t -> t.name() + Arrays.toString(t.tensor().shape())).toList();
            assertEquals(List.of(
                    "model.embed_tokens.weight[97, 24]",
                    "model.layers.0.input_layernorm.weight[24]",
                    "model.layers.0.self_attn.q_proj.weight[24, 24]",
                    "model.layers.0.self_attn.k_proj.weight[12, 24]",
                    "model.layers.0.self_attn.v_proj.weight[12, 24]",
                    "model.layers.0.self_attn.q_proj.bias[24]",
                    "model.layers.0.self_attn.k_proj.bias[12]",
                    "model.layers.0.self_attn.v_proj.bias[12]",
                    "model.layers.0.self_attn.o_proj.weight[24, 24]",
                    "model.layers.0.post_attention_layernorm.weight[24]",
                    "model.layers.0.mlp.gate_proj.weight[40, 24]",
                    "model.layers.0.mlp.up_proj.weight[40, 24]",
                    "model.layers.0.mlp.down_proj.weight[24, 40]"), names.subList(0, 13));
            assertEquals("model.norm.weight[24]", names.getLast());
        }
    }

    @Test
    void countsOnlyParameters() {
        // Qwen2.5-0.5B has 494,032,768 parameters
        Shape shape = new Shape("Qwen2ForCausalLM", 151936, 896, 4864, 24, 14, 2, 64, 1e-6, 1e6, null, true);
        ModelConfig c = TestModel.config(shape.json());
        assertEquals(494_032_768L, ParameterSet.count(c));
    }

    @ParameterizedTest
    @FieldSource("intuitor.model.TestModel#SHAPES")
    void whatIsSavedLoadsBack(Shape shape) {
        try (TestModel m = new TestModel(device, shape); Arena arena = device.arena("other")) {
            m.config.write(folder);
            m.parameters.save(folder, DType.F32);
            ParameterSet other = new ParameterSet(arena, ModelConfig.read(folder), DType.F32, "other");
            load(other);
            assertArrayEquals(m.download(m.parameters.flat()), m.download(other.flat()));
        }
    }

    @Test
    void bfloat16KeepsSevenBits() {
        try (TestModel m = new TestModel(device, TestModel.LLAMA); Arena arena = device.arena("other")) {
            m.config.write(folder);
            m.parameters.save(folder, DType.BF16);
            ParameterSet other = new ParameterSet(arena, m.config, DType.F32, "other");
            load(other);
            float[] expected = m.download(m.parameters.flat());
            float[] actual = m.download(other.flat());
            for (int i = 0; i < expected.length; i++) {
                assertEquals(expected[i], actual[i], Math.abs(expected[i]) / 256);
            }
            // the same from a file of either type, into memory of either type
            ParameterSet narrow = new ParameterSet(arena, m.config, DType.BF16, "narrow");
            load(narrow);
            assertEquals(DType.BF16, narrow.dtype());
            assertArrayEquals(actual, m.download(narrow.flat()));
            m.parameters.save(folder, DType.F32);
            narrow.zero();
            load(narrow);
            assertArrayEquals(actual, m.download(narrow.flat()));
            narrow.zero();
            narrow.copyFrom(m.parameters);
            assertArrayEquals(actual, m.download(narrow.flat()));
        }
    }

    private void load(ParameterSet into) {
        try (ModelFolder model = ModelFolder.open(folder)) {
            into.load(model);
        }
    }

    @Test
    void aCopyOfTheTiedHeadIsTolerated() {
        loadAltered(TestModel.QWEN2, entries -> entries.add(new Entry("lm_head.weight", DType.F32,
                entries.getFirst().shape(), entries.getFirst().contents())));
    }

    @Test
    void wrongWeightsAreRefused() {
        assertRefused(entries -> entries.remove(3), "model.layers.0.self_attn.k_proj.weight");
        String bias = "model.layers.0.self_attn.o_proj.bias";
        assertRefused(entries -> entries.add(new Entry(bias, DType.F32, new long[] {24},
                out -> out.write(ByteBuffer.allocate(96)))), bias);
        assertRefused(entries -> entries.set(1, new Entry(entries.get(1).name(), DType.F32, new long[] {1, 24},
                entries.get(1).contents())), "model.layers.0.input_layernorm.weight");
    }

    private void assertRefused(Consumer<List<Entry>> change, String named) {
        UserError error = assertThrows(UserError.class, () -> loadAltered(TestModel.QWEN2, change));
        assertTrue(error.getMessage().contains(named), error.getMessage());
        assertTrue(error.getMessage().contains(folder.toString()), error.getMessage());
    }

    private void loadAltered(Shape shape, Consumer<List<Entry>> change) {
        try (TestModel m = new TestModel(device, shape)) {
            List<Entry> entries = new ArrayList<>();
            for (HuggingFaceTensor t : m.parameters.huggingFace()) {
                entries.add(Entry.of(t.name(), t.tensor(), DType.F32, device));
            }
            change.accept(entries);
            m.config.write(folder);
            SafetensorsWriter.write(folder.resolve("model.safetensors"), entries, Map.of("format", "pt"));
            load(m.grads);
            assertTrue(Files.exists(folder.resolve("model.safetensors")));
        }
    }

    @Test
    void initialisationIsRandomButReproducible() {
        try (TestModel m = new TestModel(device, TestModel.QWEN2)) {
            m.parameters.initialize(5, 0.02);
            float[] first = m.download(m.parameters.flat());
            m.parameters.initialize(6, 0.02);
            assertFalse(Arrays.equals(first, m.download(m.parameters.flat())));
            m.parameters.initialize(5, 0.02);
            assertArrayEquals(first, m.download(m.parameters.flat()));

            Map<String, double[]> values = m.values(m.parameters);
            assertTrue(Arrays.stream(values.get("model.norm.weight")).allMatch(v -> v == 1));
            assertTrue(Arrays.stream(values.get("model.layers.1.self_attn.q_proj.bias")).allMatch(v -> v == 0));
            double[] embedding = values.get("model.embed_tokens.weight");
            double variance = Arrays.stream(embedding).map(v -> v * v).average().orElseThrow();
            assertEquals(0.02, Math.sqrt(variance), 0.001);
        }
    }

    @Test
    void copies() {
        try (TestModel m = new TestModel(device, TestModel.QWEN3)) {
            m.grads.copyFrom(m.parameters);
            assertArrayEquals(m.download(m.parameters.flat()), m.download(m.grads.flat()));
            m.grads.zero();
            Tensor flat = m.grads.flat();
            assertArrayEquals(new float[(int) flat.size()], m.download(flat));
        }
    }
}
