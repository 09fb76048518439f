package intuitor.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import intuitor.checkpoint.ModelFolder;
import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Sampling;
import intuitor.device.Tensor;
import intuitor.device.TestDevices;
import intuitor.device.TestDevices.Target;
import intuitor.model.ReferenceModel.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class InferenceWeightsTest {

    /** Matrices of sizes that the matrix library orders in its own way. */
    private static final Shape WIDE = new Shape("Qwen2ForCausalLM", 384, 128, 320, 2, 4, 2, 32, 1e-6, 1e6, null, false);

    /** In the cache, the first prompt has page 0, the second one pages 1 and 2. */
    private static final int[] ROWS = IntStream.range(0, 11).toArray();

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

    @ParameterizedTest
    @FieldSource("intuitor.model.TestModel#SHAPES")
    void prefillIsThatOfThePlainWeights(Shape shape) throws IOException {
        assertSamePrefill(device, shape, DType.F32);
    }

    @ParameterizedTest
    @FieldSource("intuitor.device.TestDevices#TARGETS")
    void onOtherDevicesToo(Target target) throws IOException {
        try (Device other = target.open()) {
            assertSamePrefill(other, TestModel.GPU_SHAPES.getFirst(), target.storage());
        }
    }

    /** The prompts are of 11 rows in all, which is not a number of rows that products are made for. */
    private void assertSamePrefill(Device on, Shape shape, DType dtype) throws IOException {
        try (TestModel m = new TestModel(on, shape, dtype); InferenceWeights weights = reloaded(m);
                Transformer packed = new Transformer(on, weights)) {
            assertEquals(dtype, weights.dtype());
            assertArrayEquals(prefill(m, m.transformer, cache(m)), prefill(m, packed, cache(m)));
        }
    }

    /** Decoding multiplies by the very same packed matrices, so that nothing changes in it. */
    @Test
    void decodingGivesTheSameBits() throws IOException {
        for (Shape shape : new Shape[] {WIDE, TestModel.QWEN2, TestModel.QWEN3_TIED}) {
            try (TestModel m = new TestModel(device, shape); InferenceWeights weights = reloaded(m);
                    Transformer packed = new Transformer(device, weights)) {
                KvCache cache = cache(m);
                prefill(m, m.transformer, cache);
                assertArrayEquals(decodeAndDraw(m, m.transformer, cache), decodeAndDraw(m, packed, cache));
            }
        }
    }

    @Test
    void theSameSeedMakesTheSameWeightsAsAParameterSet() {
        try (TestModel m = new TestModel(device, WIDE);
                InferenceWeights weights = InferenceWeights.random(device, m.config, 5, 0.1);
                Transformer packed = new Transformer(device, weights)) {
            m.parameters.initialize(5, 0.1);
            assertArrayEquals(m.download(m.parameters.embedding()), m.download(weights.embedding()));
            assertArrayEquals(prefill(m, m.transformer, cache(m)), prefill(m, packed, cache(m)));
        }
    }

    /** Never, not while a model is read either, is there a whole second copy, of the weights or of the file. */
    @Test
    void aMatrixIsHeldOnceAndThePlainOneIsGivenBack() throws IOException {
        Shape large = new Shape("Qwen2ForCausalLM", 512, 512, 2048, 8, 8, 2, 64, 1e-6, 1e6, null, true);
        ModelConfig config;
        try (TestModel m = new TestModel(device, large)) {
            reloaded(m).close(); // the files, and oneDNN's buffers
            config = m.config;
        }
        long bytes = ParameterSet.count(config) * DType.F32.bytes();
        assertTrue(bytes > 100L << 20, "large beside what else may happen in this process");
        long before = memory("VmRSS:");
        Files.writeString(Path.of("/proc/self/clear_refs"), "5"); // the peak starts again at what is resident now
        try (ModelFolder files = ModelFolder.open(folder);
                InferenceWeights weights = InferenceWeights.load(device, config, DType.F32, files)) {
            long peak = memory("VmHWM:") - before;
            assertTrue(peak > bytes / 2 && peak < bytes + bytes / 2, peak + " bytes for " + bytes + " of " + weights);
        }
        assertTrue(memory("VmRSS:") - before < bytes / 2, "all of it goes back");
    }

    @Test
    void passesThatNeedThePlainMatricesSayWhatIsWrong() throws IOException {
        try (TestModel m = new TestModel(device, TestModel.LLAMA); InferenceWeights weights = reloaded(m);
                Transformer packed = new Transformer(device, weights)) {
            PackedBatch batch = PackedBatch.builder().prompt(new int[] {1, 2, 3}).build();
            String message = assertThrows(IllegalStateException.class, () -> packed.forward(batch, m.arena))
                    .getMessage();
            assertEquals("these weights are packed, for generation alone", message);
        }
    }

    @Test
    void aWeightThatIsNotANumberIsNamed() throws IOException {
        try (TestModel m = new TestModel(device, TestModel.LLAMA)) {
            device.zero(m.parameters.finalNorm());
            m.device.upload(m.parameters.finalNorm().rows(3, 1), new float[] {Float.NaN});
            assertTrue(assertThrows(UserError.class, () -> reloaded(m)).getMessage().contains("'model.norm.weight'"));
        }
    }

    private InferenceWeights reloaded(TestModel m) throws IOException {
        m.config.write(folder);
        m.parameters.save(folder, m.parameters.dtype());
        try (ModelFolder files = ModelFolder.open(folder)) {
            return InferenceWeights.load(m.device, m.config, m.parameters.dtype(), files);
        }
    }

    private static KvCache cache(TestModel m) {
        return new KvCache(m.arena, m.config, m.parameters.dtype(), 5, 4);
    }

    /** Hidden states of two prompts. */
    private static float[] prefill(TestModel m, Transformer model, KvCache cache) {
        Random random = new Random(7);
        PackedBatch batch = PackedBatch.builder().prompt(m.tokens(random, 4)).prompt(m.tokens(random, 7)).build();
        try (Arena scope = m.arena.scope("prefill")) {
            Tensor hidden = model.prefill(batch, cache, ROWS, model.weights().packed(scope), scope);
            assertEquals(11, hidden.dim(0));
            return m.download(hidden);
        }
    }

    /** A step of both sequences: hidden states, tokens drawn from them, and their log-probabilities. */
    private static float[] decodeAndDraw(TestModel m, Transformer model, KvCache cache) {
        try (Arena scope = m.arena.scope("decode")) {
            DecodeBatch batch = new DecodeBatch(4);
            batch.add(1, new int[] {0}, 4, new int[] {3}, 1);
            batch.add(2, new int[] {1, 2}, 7, new int[] {4}, 1);
            PackedWeights packed = model.weights().packed(scope);
            Tensor hidden = model.decode(model.upload(batch, 16, 5, scope), cache, packed, scope);
            int[] tokens = new int[2];
            TokenStats stats = TokenStats.of(2);
            new LmHead(m.device, model.weights()).sample(hidden, null, new long[] {0, 1}, new int[] {5, 8},
                    new Sampling(1, 0, 1, 0, m.config.vocabSize(), 9), 1, null, packed, tokens, stats, scope);
            float[] values = m.download(hidden);
            float[] all = Arrays.copyOf(values, values.length + 4);
            for (int i = 0; i < 2; i++) {
                all[values.length + i] = tokens[i];
                all[values.length + 2 + i] = stats.logprob()[i];
            }
            return all;
        }
    }

    /** Bytes, from what the kernel says about this process. */
    private static long memory(String key) throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(l -> l.startsWith(key))
                .mapToLong(l -> Long.parseLong(l.replaceAll("\\D", "")) << 10).findFirst().orElseThrow();
    }
}
