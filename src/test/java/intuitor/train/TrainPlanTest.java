package intuitor.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.TestDevices;
import intuitor.model.ModelConfig;
import intuitor.model.ModelMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
        assertEquals(12 * (7 + 8), StepMemory.of(config(Map.of("attention", "cudnn")), model, 7).trainTokens());
        StepMemory turns = StepMemory.of(config(Map.of("beta", "0", "micro_batch_tokens", "1", "num_generations",
                "2000", "kv_cache_mib", "1")), model, 7);
        assertEquals(16 * model.parameters(), turns.lastingBytes());
        assertEquals(15, turns.trainTokens()); // a completion is never split
        assertEquals(255, turns.together()); // 256 pages of 4 KiB, one of them a prompt's
        assertEquals(1 << 20, turns.keysAndValues());
    }
}
