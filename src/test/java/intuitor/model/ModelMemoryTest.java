package intuitor.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Sampling;
import intuitor.device.Tensor;
import intuitor.model.Activations.Keep;
import intuitor.model.ModelMemory.DrawnFrom;
import intuitor.model.ReferenceModel.Shape;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What is foretold, beside what is then allocated. */
class ModelMemoryTest {

    /** Logits in several chunks and in one; all sizes such that no library pads them, as those of real models are. */
    private static final List<Shape> SHAPES = List.of(
            new Shape("Qwen2ForCausalLM", 16_384, 128, 384, 3, 4, 2, 32, 1e-6, 1e6, null, true),
            new Shape("Qwen3ForCausalLM", 320, 128, 192, 4, 6, 3, 48, 1e-6, 1e6, null, false));
    private static final int PROMPT = 60;
    private static final int COMPLETION = 140;
    private static final int COMPLETIONS = 6;
    /** Rows: the last token of a completion is scored, not read. */
    private static final int TOKENS = PROMPT + COMPLETIONS * (COMPLETION - 1);

    private static PackedBatch batch(TestModel m) {
        Random random = new Random(5);
        PackedBatch.Builder builder = PackedBatch.builder();
        return builder.group(m.tokens(random, PROMPT), random.ints(COMPLETIONS, 0, 100)
                .mapToObj(i -> m.tokens(random, COMPLETION)).toList()).build();
    }

    private static void assertForetold(long actual, long foretold) {
        assertTrue(foretold >= 0.97 * actual && foretold <= 1.03 * actual,
                "foretold " + foretold + ", allocated " + actual + ": " + (double) foretold / actual);
    }

    @ParameterizedTest
    @EnumSource(Keep.class)
    void aForwardAndABackwardPass(Keep keep) {
        for (Shape shape : SHAPES) {
            try (Device device = Device.open("cpu", 1)) {
                TestModel m = new TestModel(device, shape);
                PackedBatch batch = batch(m);
                assertEquals(TOKENS, batch.rows());
                Arena scratch = device.arena("scratch");
                try (Arena scope = scratch.scope("step")) {
                    Activations activations = m.transformer.forwardForTraining(batch, keep, scope);
                    Tensor dHidden = scope.zeros("d hidden", DType.F32, activations.hidden().shape());
                    new LmHead(device, m.parameters).scoreAndBackward(activations.hidden(), dHidden,
                            batch.scoredRows(), batch.targets(), 1, (from, to, logprob, coefficient) -> { }, m.grads,
                            scope);
                    m.transformer.backward(activations, dHidden, m.grads, scope);
                }
                assertForetold(scratch.peakBytes(), new ModelMemory(m.config, DType.F32, false).training(TOKENS, keep));
            }
        }
    }

    /** Of few tokens, whose logits are less than the activations, and of more than a chunk. */
    @ParameterizedTest
    @CsvSource({"40, 1", "40, 1.5", "400, 1", "400, 1.5"})
    void aPassOfGeneration(int drawn, double penalty) {
        for (Shape shape : SHAPES) {
            try (Device device = Device.open("cpu", 1)) {
                TestModel m = new TestModel(device, shape);
                PackedBatch batch = PackedBatch.builder().prompt(m.tokens(new Random(5), TOKENS)).build();
                KvCache cache = new KvCache(device.arena("cache"), m.config, DType.F32, 1, TOKENS);
                PackedWeights packed = m.parameters.packed(device.arena("packed"));
                RepetitionPenalty repetition = penalty == 1 ? null
                        : new RepetitionPenalty(penalty, new int[0], new int[drawn + 1]);
                Arena scratch = device.arena("scratch");
                try (Arena scope = scratch.scope("step")) {
                    Tensor hidden = m.transformer.prefill(batch, cache, IntStream.range(0, TOKENS).toArray(), packed,
                            scope);
                    new LmHead(device, m.parameters).sample(hidden, new int[drawn], new long[drawn], new int[drawn],
                            new Sampling(1, 0, 1, 0, shape.vocab(), 1), 1, repetition, packed, new int[drawn],
                            TokenStats.of(drawn), scope);
                }
                assertForetold(scratch.peakBytes(), new ModelMemory(m.config, DType.F32, false).generation(TOKENS,
                        drawn, penalty == 1 ? DrawnFrom.LOGITS : DrawnFrom.PENALIZED_LOGITS));
            }
        }
    }

    @Test
    void weightsAndCache() {
        for (Shape shape : SHAPES) {
            try (Device device = Device.open("cpu", 1)) {
                TestModel m = new TestModel(device, shape);
                ModelMemory foretold = new ModelMemory(m.config, DType.F32, false);
                assertForetold(m.arena.usedBytes(), foretold.weights() + foretold.fp32());
                assertEquals(0, foretold.workingCopy());
                assertEquals(foretold.fp32() / 2, new ModelMemory(m.config, DType.BF16, true).workingCopy());
                Arena packed = device.arena("packed");
                m.parameters.packed(packed);
                assertTrue(packed.usedBytes() <= 1.03 * foretold.packedCopy(),
                        packed.usedBytes() + " " + foretold.packedCopy());
                Arena cache = device.arena("cache");
                new KvCache(cache, m.config, DType.F32, 50, 10);
                assertForetold(cache.usedBytes(), 500 * foretold.cacheRow());
            }
        }
    }

    /** The published counts, from the published configurations. */
    @Test
    void parametersOfPublishedModels() {
        assertEquals(1_543_714_304L, count(new Shape("Qwen2ForCausalLM", 151_936, 1536, 8960, 28, 12, 2, 128, 1e-6, 1e6,
                null, true)));
        assertEquals(7_615_616_512L, count(new Shape("Qwen2ForCausalLM", 152_064, 3584, 18_944, 28, 28, 4, 128, 1e-6,
                1e6, null, false)));
        assertEquals(3_212_749_824L, count(new Shape("LlamaForCausalLM", 128_256, 3072, 8192, 28, 24, 8, 128, 1e-5, 5e5,
                null, true)));
    }

    private static long count(Shape shape) {
        ModelConfig config = TestModel.config(shape.json());
        long count = ParameterSet.count(config);
        assertForetold(4 * count, new ModelMemory(config, DType.F32, false).fp32());
        return count;
    }

    /** The fused head, by hand: a strip of 256 columns leaves 44 bytes of a row, of which there are 1024 at most. */
    @Test
    void drawingWithoutLogits() {
        try (Device device = Device.open("cpu", 1)) {
            TestModel m = new TestModel(device, SHAPES.getFirst());
            ModelMemory model = new ModelMemory(m.config, DType.BF16, true);
            long hidden = 2L * 128;
            assertEquals(hidden + 600 * (hidden + 64 * 44), model.generation(1, 600, DrawnFrom.STRIPS));
            // what its strips take stays the device's, also while a pass takes more than the gathered rows
            assertEquals(600 * 64 * 44, model.generation(9999, 600, DrawnFrom.STRIPS)
                    - model.generation(9999, 0, DrawnFrom.STRIPS));
            assertEquals(model.generation(1, 1024, DrawnFrom.STRIPS), model.generation(1, 9999, DrawnFrom.STRIPS));
            assertEquals(hidden + 512 * (hidden + 4 * 16_384), model.generation(1, 600, DrawnFrom.LOGITS));
        }
    }
}
