package intuitor.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Sampling;
import intuitor.device.TestDevices;
import intuitor.model.Architecture;
import intuitor.model.ModelConfig;
import intuitor.model.ModelMemory;
import intuitor.model.ModelMemory.DrawnFrom;
import intuitor.model.ParameterSet;
import intuitor.model.Transformer;
import intuitor.rollout.Decoding;
import intuitor.rollout.Rollout;
import intuitor.rollout.StopStrings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainPlanTest {

    @TempDir
    Path folder;

    private GrpoConfig config(Map<String, String> more) throws IOException {
        Path base = folder.resolve("base");
        if (!Files.exists(base)) {
            TinyBase.write(base);
            Files.delete(base.resolve("model.safetensors"));
        }
        Map<String, String> settings = new HashMap<>(Map.of("model", base.toString(), "data",
                TinyBase.prompts(folder.resolve("p.jsonl"), 20).toString(), "output_dir",
                folder.resolve("runs").toString(), "device", "cpu", "threads", "1", "prompts_per_step", "4",
                "num_generations", "3", "max_completion_length", "8", "save_steps", "2"));
        settings.putAll(more);
        return GrpoConfigTest.config(settings);
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.map(Path::toString).sorted().toList();
        }
    }

    @Test
    void aPlanNeedsNoWeightsAndWritesNothing() throws IOException {
        GrpoConfig config = config(Map.of("eval_data", TinyBase.prompts(folder.resolve("e.jsonl"), 5).toString(),
                "probe_data", TinyBase.prompts(folder.resolve("probe.jsonl"), 5).toString()));
        List<String> before = files();
        String plan = TrainPlan.of(config);
        assertEquals(before, files());
        assertTrue(plan.contains("p.jsonl: 20 prompts of "), plan);
        assertTrue(plan.contains("5 of 4 prompts, 3 completions each: 1.00 epochs"), plan);
        assertTrue(plan.contains("12 completions a step of at most 8 tokens: up to 96 a step, 480 in all"), plan);
        assertTrue(plan.contains("cosine, 1.00e-06 after 1 of 5 updates"), plan);
        assertTrue(plan.contains("e.jsonl: the first 5 problems"), plan);
        assertTrue(plan.contains("probe.jsonl every 10 steps"), plan);
        assertTrue(plan.contains("a checkpoint every 2 steps, 2 kept"), plan);
        assertTrue(plan.contains(folder.resolve("runs/run-1").toString()), plan);
    }

    /** What would keep the run from starting keeps the plan from being made, in the same words. */
    @Test
    void whatIsWrongIsSaidNow() throws IOException {
        GrpoConfig tooLong = config(Map.of("max_completion_length", "100"));
        assertTrue(assertThrows(UserError.class, () -> TrainPlan.of(tooLong)).getMessage()
                .contains("more than the model's max_position_embeddings"));
        Files.createDirectories(folder.resolve("runs/taken"));
        Files.writeString(folder.resolve("runs/taken/config.yaml"), "");
        GrpoConfig taken = config(Map.of("run_name", "taken"));
        assertTrue(assertThrows(UserError.class, () -> TrainPlan.of(taken)).getMessage().contains("taken exists"));
        GrpoConfig fused = config(Map.of("lm_head", "fused", "batch_invariant", "false"));
        assertTrue(assertThrows(UserError.class, () -> TrainPlan.of(fused)).getMessage()
                .startsWith("lm_head: fused needs an NVIDIA GPU of compute capability 9.0"));
    }

    /** Where there is no GPU, the plan for one says why, and refuses what no GPU does. */
    @Test
    void aPlanForAGpuNeedsNone() throws IOException {
        if (Device.whyNoGpu().isEmpty()) {
            throw TestDevices.skip("a plan for a GPU where there is none", "this machine has one");
        }
        String plan = TrainPlan.of(config(Map.of("device", "cuda")));
        assertTrue(plan.contains("(no CUDA device: "), plan);
        assertTrue(plan.contains("at most, as generation and training share theirs"), plan);
        assertFalse(plan.contains("there is "), plan);
        GrpoConfig conflict = config(Map.of("device", "cuda", "rollout_dtype", "float32"));
        assertTrue(assertThrows(UserError.class, () -> TrainPlan.of(conflict)).getMessage()
                .startsWith("rollout_dtype: on a GPU completions are drawn in dtype, here bfloat16"));
    }

    /** 4 + 4 + 8 bytes a parameter, 4 of the reference; 4 (7 + 3 * 8) rows to train; a page a prompt or completion. */
    @Test
    void memoryByHand() throws IOException {
        GrpoConfig config = config(Map.of());
        ModelMemory model = new ModelMemory(ModelConfig.read(config.model()), DType.F32, false);
        StepMemory memory = StepMemory.of(config, model, 7);
        assertEquals(20 * model.parameters(), memory.lastingBytes());
        assertEquals(12, memory.together());
        assertEquals(16 * 16 * 2 * 2 * 16 * 4, memory.keysAndValues()); // pages, rows, k and v, layers, width, bytes
        assertEquals(124, memory.trainTokens());
        StepMemory asIs = StepMemory.of(config(Map.of("batch_invariant", "false")), model, 7);
        assertEquals(model.packedCopy(), memory.training() - asIs.training());
        StepMemory rounded = StepMemory.of(config(Map.of("rollout_dtype", "bfloat16")), model, 7);
        assertEquals(model.packedCopy() / 2, memory.generation() - rounded.generation());
        assertEquals(memory, StepMemory.of(config(Map.of("rollout_dtype", "bfloat16", "probe_data", "x.jsonl")), model,
                7), "the probe draws with the policy as it is");
        ModelMemory onGpu = new ModelMemory(model.config(), DType.BF16, true);
        Map<String, String> fused = Map.of("lm_head", "fused", "batch_invariant", "false");
        assertEquals(onGpu.generation(28, 12, DrawnFrom.LOGITS), StepMemory.of(config, onGpu, 7).generation());
        assertEquals(onGpu.generation(28, 12, DrawnFrom.STRIPS), StepMemory.of(config(fused), onGpu, 7).generation());
        assertEquals(12 * (7 + 8), StepMemory.of(config(Map.of("attention", "cudnn")), model, 7).trainTokens());
        StepMemory turns = StepMemory.of(config(Map.of("beta", "0", "micro_batch_tokens", "1", "num_generations",
                "2000", "kv_cache_mib", "1")), model, 7);
        assertEquals(16 * model.parameters(), turns.lastingBytes());
        assertEquals(15, turns.trainTokens()); // a completion is never split
        assertEquals(255, turns.together()); // 256 pages of 4 KiB, one of them a prompt's
        assertEquals(1 << 20, turns.keysAndValues());
    }

    /** Generation's part, beside what a rollout then allocates; page tables and the like are left out. */
    @ParameterizedTest
    @ValueSource(strings = {"1", "1.5"})
    void aRolloutTakesWhatIsForetold(String penalty) throws IOException {
        ModelConfig model = new ModelConfig(Architecture.QWEN2, 8192, 128, 384, 2, 4, 2, 32, 1e-6, 1e4,
                Optional.empty(), 512, true, "float32", List.of(0), OptionalInt.empty(), OptionalInt.empty());
        GrpoConfig config = config(Map.of("prompts_per_step", "6", "num_generations", "16", "max_completion_length",
                "24", "repetition_penalty", penalty));
        StepMemory foretold = StepMemory.of(config, new ModelMemory(model, DType.F32, false), 80);
        try (Device device = Device.open("cpu", 1)) {
            ParameterSet parameters = new ParameterSet(device.arena("parameters"), model, DType.F32, "weights");
            parameters.initialize(1, 0.02);
            Arena scratch = device.arena("rollout");
            try (Transformer transformer = new Transformer(device, parameters);
                    Rollout rollout = new Rollout(scratch, transformer, config.lmHead(), config.cacheBytes())) {
                Random random = new Random(3);
                List<int[]> prompts = Stream.generate(() -> random.ints(80, 1, 8192).toArray()).limit(6).toList();
                rollout.generate(prompts, 16, new Decoding(new Sampling(1, 0, 1, 0, 8192, 1), 24, Set.of(), 1,
                        config.repetitionPenalty(), StopStrings.NONE), 0, () -> false);
                double ratio = (double) (foretold.keysAndValues() + foretold.generation()) / scratch.peakBytes();
                assertTrue(ratio > 0.96 && ratio < 1.1, "foretold over allocated: " + ratio);
            }
        }
    }

    /** By halves from 16384, or what the settings say, whatever it takes. */
    @Test
    void tokensAtOnceGoByTheMemory() throws IOException {
        GrpoConfig config = config(Map.of("max_completion_length", "50", "num_generations", "500"));
        ModelMemory model = new ModelMemory(ModelConfig.read(config.model()), DType.F32, false);
        long all = StepMemory.of(config, model, 7).bytes();
        assertEquals(16384, StepMemory.of(config, model, 7).trainTokens());
        assertEquals(16384, StepMemory.fitted(config, model, 7, 2 * all).microBatchTokens());
        GrpoConfig fitted = StepMemory.fitted(config, model, 7, all);
        assertEquals(8192, fitted.microBatchTokens(), "a part of the memory is left to others");
        assertTrue(StepMemory.of(fitted, model, 7).bytes() <= 0.85 * all);
        GrpoConfig half = config(Map.of("max_completion_length", "50", "num_generations", "500", "memory_utilization",
                "0.425"));
        assertEquals(fitted.microBatchTokens(), StepMemory.fitted(half, model, 7, 2 * all).microBatchTokens());
        assertEquals(256, StepMemory.fitted(config, model, 7, 1).microBatchTokens());
        GrpoConfig given = config(Map.of("micro_batch_tokens", "5000"));
        assertEquals(5000, StepMemory.fitted(given, model, 7, 1).microBatchTokens());
    }

    /** On a GPU the cache holds a step's completions, or as many as the memory has room for; else what is said. */
    @Test
    void theCacheGoesByTheMemoryOfAGpu() throws IOException {
        GrpoConfig config = config(Map.of("num_generations", "2000", "prompts_per_step", "4"));
        ModelConfig shape = ModelConfig.read(config.model());
        assertEquals(2048, StepMemory.fitted(config, new ModelMemory(shape, DType.F32, false), 7, 1L << 40)
                .kvCacheMib());
        ModelMemory gpu = new ModelMemory(shape, DType.BF16, true);
        GrpoConfig roomy = StepMemory.fitted(config, gpu, 7, 1L << 40);
        assertEquals(1024, StepMemory.of(roomy, gpu, 7).together(), "as many as ever grow together");
        assertEquals(4, roomy.kvCacheMib()); // two pages a completion, each of 2 KiB
        StepMemory all = StepMemory.of(roomy, gpu, 7);
        long tight = (long) ((all.lastingBytes() + all.generation() + (2 << 20)) / 0.85) + 1;
        assertEquals(2, StepMemory.fitted(config, gpu, 7, tight).kvCacheMib());
        GrpoConfig half = config(Map.of("num_generations", "2000", "prompts_per_step", "4", "memory_utilization",
                "0.425"));
        assertEquals(2, StepMemory.fitted(half, gpu, 7, 2 * tight).kvCacheMib());
        assertEquals(1, StepMemory.fitted(config, gpu, 7, 1).kvCacheMib());
        GrpoConfig given = config(Map.of("kv_cache_mib", "77"));
        assertEquals(77, StepMemory.fitted(given, gpu, 7, 1L << 40).kvCacheMib());
    }

    /** Whatever the memory is to the byte: the cache takes what is left, and training keeps its tokens. */
    @ParameterizedTest
    @ValueSource(strings = {"tiled", "fused"})
    void aFullCacheTakesNothingFromTraining(String head) throws IOException {
        GrpoConfig config = config(Map.of("num_generations", "7", "prompts_per_step", "128", "lm_head", head,
                "batch_invariant", "false", "gradient_checkpointing", "true", "max_completion_length", "3072"));
        ModelConfig shape = new ModelConfig(Architecture.QWEN2, 151936, 2048, 11008, 36, 16, 2, 128, 1e-6, 1e6,
                Optional.empty(), 32768, true, "bfloat16", List.of(0), OptionalInt.empty(), OptionalInt.empty());
        ModelMemory gpu = new ModelMemory(shape, DType.BF16, true);
        int full = StepMemory.fitted(config, gpu, 512, 1L << 40).kvCacheMib();
        for (long memory = 78L << 30; memory < 80L << 30; memory += 12_345_678) {
            GrpoConfig fitted = StepMemory.fitted(config, gpu, 512, memory);
            assertTrue(fitted.kvCacheMib() < full && fitted.kvCacheMib() > 8000, fitted.kvCacheMib() + " MiB");
            assertEquals(16384, fitted.microBatchTokens(), memory + " bytes");
            assertTrue(StepMemory.of(fitted, gpu, 512).bytes() <= 0.85 * memory);
        }
    }

    /** A single completion is never split: fewer tokens at once than that would save nothing. */
    @Test
    void tokensAtOnceAreNoFewerThanACompletionHas() throws IOException {
        GrpoConfig config = config(Map.of("max_completion_length", "50", "num_generations", "500"));
        ModelMemory model = new ModelMemory(ModelConfig.read(config.model()), DType.F32, false);
        assertEquals(512, StepMemory.fitted(config, model, 600, 1).microBatchTokens());
    }

    @Test
    void manyCompletionsAreCountedInFull() throws IOException {
        assertEquals(65536L * 65535, config(Map.of("prompts_per_step", "65536", "num_generations", "65535"))
                .completionsPerStep());
    }
}
