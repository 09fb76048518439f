package intuitor.rollout;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.HeadForward;
import intuitor.device.Sampling;
import intuitor.device.Tensor;
import intuitor.device.TestDevices;
import intuitor.model.Architecture;
import intuitor.model.KvCache;
import intuitor.model.ModelConfig;
import intuitor.model.TrainingWeights;
import intuitor.model.Transformer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Steps of decoding that are recorded, beside the same made directly: not a bit differs. */
class DecodeGraphsTest {

    private static final int VOCAB = 97;

    private static final ModelConfig MODEL = new ModelConfig(Architecture.QWEN3, VOCAB, 32, 48, 2, 4, 2, 64, 1e-6, 1e4,
            Optional.empty(), 300, true, "float32", List.of(0), OptionalInt.empty(), OptionalInt.empty());
    /** Lengths differ, so that the batch goes through several buckets. */
    private static final Set<Integer> STOP = IntStream.range(0, 10).boxed().collect(Collectors.toSet());

    /**
     * With pages of as many keys as the tensor cores take, and a prompt so long that its completions come to another
     * bucket of lengths; and with a few small pages.
     */
    private static final List<Work> CALLS = List.of(new Work(16, 100, List.of(3, 1, 246), 3, 14),
            new Work(2, 18, List.of(3, 1, 7), 12, 14));

    private record Work(int pageSize, int pages, List<Integer> promptLengths, int generations, int maxLength) {

        List<Group> generate(Rollout rollout) {
            Random random = new Random(pages);
            Decoding decoding = new Decoding(new Sampling(1, 0, 1, 0, VOCAB, 9), maxLength, STOP, 1);
            return rollout.generate(promptLengths.stream().map(n -> random.ints(n, 5, VOCAB).toArray()).toList(),
                    generations, decoding, 1, () -> false, TokenListener.NONE);
        }
    }

    private record Results(List<Completion> completions, long graphs, long preemptions) { }

    private static Results generate(boolean graphs, DType storage, HeadForward.Kind head) {
        try (Device device = TestDevices.recording(graphs); Arena weights = device.arena("weights")) {
            TrainingWeights parameters = new TrainingWeights(weights, MODEL, storage, "weights");
            parameters.initialize(3, 0.25);
            List<Completion> all = new ArrayList<>();
            long recorded = 0;
            long preemptions = 0;
            try (Transformer model = new Transformer(device, parameters.working());
                    Arena memory = device.arena("rollouts")) {
                for (Work work : CALLS) {
                    long cache = work.pages() * work.pageSize() * KvCache.bytesPerRow(MODEL, storage);
                    Rollout rollout = new Rollout(memory, false, model, model.weights()::packed, head, cache,
                            work.pageSize(), 8);
                    long before = memory.usedBytes();
                    work.generate(rollout).forEach(g -> all.addAll(g.completions()));
                    assertEquals(before, memory.usedBytes());
                    recorded += rollout.graphsRecorded();
                    preemptions += rollout.preemptions();
                }
            }
            return new Results(all, recorded, preemptions);
        }
    }

    /** A step that adds 1 to a number, by way of memory of its own. */
    private static void addOnes(DecodeGraphs graphs, DecodeBucket bucket, Arena arena, Tensor number, int steps) {
        try (Arena run = arena.scope("run")) {
            Tensor one = run.upload("one", new float[] {1}, 1, 1);
            Tensor row = run.upload("row", new int[] {0});
            graphs.make(bucket, steps, run, () -> {
                try (Arena step = run.scope("step")) {
                    Tensor copy = step.allocate("copy", DType.F32, 1, 1);
                    run.device().copy(copy, one);
                    run.device().kernels().embeddingBackward(number, copy, row);
                }
            });
        }
    }

    @Test
    void aStepIsRecordedOnceForItsBucketAndAgainWhenMemoryHasMoved() {
        try (Device device = TestDevices.recording(true); Arena numbers = device.arena("numbers");
                Arena arena = device.arena("runs"); DecodeGraphs graphs = new DecodeGraphs()) {
            Tensor number = numbers.zeros("number", DType.F32, 1, 1);
            DecodeBucket small = new DecodeBucket(8, 256, 16);
            addOnes(graphs, small, arena, number, 1);
            assertEquals(0, graphs.recorded(), "the first step is made directly");
            addOnes(graphs, small, arena, number, 1);
            assertEquals(1, graphs.recorded(), "runs may have one step each, where the cache is full");
            addOnes(graphs, small, arena, number, 16);
            addOnes(graphs, small, arena, number, 3);
            assertEquals(1, graphs.recorded());
            addOnes(graphs, new DecodeBucket(8, 512, 16), arena, number, 2);
            addOnes(graphs, new DecodeBucket(16, 256, 16), arena, number, 2);
            addOnes(graphs, small, arena, number, 4);
            assertEquals(3, graphs.recorded());
            try (Arena prefill = arena.scope("prefill")) {
                prefill.allocate("more than the arena has", DType.F32, 4 << 20);
            }
            addOnes(graphs, small, arena, number, 5);
            assertEquals(4, graphs.recorded());
            float[] sum = new float[1];
            device.download(sum, number);
            assertEquals(1 + 1 + 16 + 3 + 2 + 2 + 4 + 5, sum[0]);
        }
    }

    @Test
    void batchesOfAboutTheSameSizeShareABucket() {
        try (Device device = TestDevices.recording(true)) {
            assertEquals(new DecodeBucket(72, 256, 16), bucket(device, 65, 20, 30));
            assertEquals(new DecodeBucket(72, 256, 16), bucket(device, 72, 200, 41));
            assertEquals(new DecodeBucket(80, 300, 16), bucket(device, 73, 250, 30), "the model has no more positions");
            assertEquals(new DecodeBucket(1, 300, 16), bucket(device, 1, 290, 10));
            assertEquals(72 * (256 / 16 + 2), bucket(device, 65, 20, 30).pages(16));
        }
    }

    /** The bucket of n completions of a token each that are about to make 16 steps. */
    private static DecodeBucket bucket(Device device, int n, int promptLength, int maxLength) {
        SharedPrompt prompt = new SharedPrompt(new int[promptLength]);
        for (int i = 0; i < n; i++) {
            prompt.add(new GrowingSequence(0, i, 0, prompt));
        }
        prompt.siblings().forEach(s -> s.add(0, 0, 0, 0, false));
        return DecodeBucket.rounded(prompt.siblings(), 16, 16, maxLength, device.blas(), MODEL);
    }

    /** The fused head where there is one: the kernels of the recording device may be another GPU's. */
    @ParameterizedTest
    @CsvSource({"F32, TILED", "BF16, TILED", "BF16, FUSED"})
    void recordedStepsDrawTheSame(DType storage, HeadForward.Kind head) {
        if (head == HeadForward.Kind.FUSED) {
            try (Device device = TestDevices.recording(false)) {
                TestDevices.requireHopper(device, "the fused LM head");
            }
        }
        Results direct = generate(false, storage, head);
        Results recorded = generate(true, storage, head);
        assertEquals(0, direct.graphs());
        assertTrue(recorded.graphs() >= 4, recorded.graphs() + " graphs, for several buckets of both calls");
        assertTrue(recorded.preemptions() > 0, "some had to wait");
        assertEquals(direct.completions().size(), recorded.completions().size());
        for (int i = 0; i < direct.completions().size(); i++) {
            Completion expected = direct.completions().get(i);
            Completion actual = recorded.completions().get(i);
            assertArrayEquals(expected.tokens(), actual.tokens());
            assertArrayEquals(expected.logprobs(), actual.logprobs());
            assertArrayEquals(expected.entropy(), actual.entropy());
            assertArrayEquals(expected.selfCertainty(), actual.selfCertainty());
        }
    }
}
