package intuitor.train;

import intuitor.bench.Bench;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Sampling;
import intuitor.device.StorageType;
import intuitor.model.Architecture;
import intuitor.model.InferenceWeights;
import intuitor.model.ModelConfig;
import intuitor.model.ParameterSet;
import intuitor.model.TrainingWeights;
import intuitor.model.Transformer;
import intuitor.recipe.Recipe;
import intuitor.rollout.Decoding;
import intuitor.rollout.Rollout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;
import tools.jackson.databind.json.JsonMapper;

/**
 * The same work as a plain PyTorch implementation, on random weights: one Intuitor step ({@code grpo}), and batched
 * generation ({@code generate}). No token ends a completion, so the work is fixed. {@code benchmarks/side_by_side.py}
 * runs it against that implementation and says what that is.
 *
 * <pre>
 * GrpoStepBenchmark grpo|generate --size tiny|small|qwen2.5-0.5b [--dtype float32|bfloat16] [--threads 2]
 *     [--batch-invariant true|false] [--batches 1,32,128] [--warmup 2] [--repeats 7] [--json FILE]
 * </pre>
 */
public final class GrpoStepBenchmark {

    private static final int PROMPTS = 16;
    private static final int GROUP = 8;
    private static final int PROMPT_TOKENS = 32;
    private static final int NEW_TOKENS = 64;
    /** Four groups: 32 completions, as many as the peer computes at once. */
    private static final int MICRO_BATCH_TOKENS = 4 * (PROMPT_TOKENS + GROUP * NEW_TOKENS);
    private static final double INITIAL_STD = 0.02;
    private static final long SEED = 0;
    private static final long CACHE_BYTES = 1L << 31;

    private final ModelConfig model;
    /** Of the matrices that completions are drawn with. */
    private final StorageType dtype;
    /** Of a step: whether the scoring passes have the sampler's bits. */
    private final String batchInvariant;
    /** Of generation: completions that grow together. */
    private final int[] batches;
    private final int threads;
    private final int warmup;
    private final int repeats;

    private GrpoStepBenchmark(Map<String, String> options) {
        this.model = model(options.getOrDefault("size", "tiny"));
        this.dtype = StorageType.named(options.getOrDefault("dtype", "float32"), "--dtype");
        this.batchInvariant = options.getOrDefault("batch-invariant", "true");
        this.batches = Arrays.stream(options.getOrDefault("batches", "1,32,128").split(","))
                .mapToInt(Integer::parseInt).toArray();
        this.threads = Integer.parseInt(options.getOrDefault("threads", "2"));
        this.warmup = Integer.parseInt(options.getOrDefault("warmup", "2"));
        this.repeats = Integer.parseInt(options.getOrDefault("repeats", "7"));
    }

    public static void main(String[] args) throws IOException {
        Map<String, String> options = new HashMap<>();
        for (int i = 1; i + 1 < args.length; i += 2) {
            options.put(args[i].replaceFirst("^--", ""), args[i + 1]);
        }
        GrpoStepBenchmark benchmark = new GrpoStepBenchmark(options);
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("command", args[0]);
        result.put("size", options.getOrDefault("size", "tiny"));
        result.put("dtype", benchmark.dtype.toString());
        result.put("threads", benchmark.threads);
        try (Device device = Device.open("cpu", benchmark.threads)) {
            result.put("kernels", device.info().isa());
            result.put("params", ParameterSet.count(benchmark.model));
            result.putAll(args[0].equals("grpo") ? benchmark.grpo(device) : benchmark.generate(device));
        }
        result.put("peak_rss_MiB", peakRssMib());
        String json = new JsonMapper().writerWithDefaultPrettyPrinter().writeValueAsString(result);
        System.out.println(json);
        if (options.containsKey("json")) {
            Files.writeString(Path.of(options.get("json")), json);
        }
    }

    private static ModelConfig model(String size) {
        return switch (size) {
            case "tiny" -> qwen2(512, 128, 512, 4, 4, 2);
            case "small" -> qwen2(8192, 512, 1536, 8, 8, 2);
            case "qwen2.5-0.5b" -> qwen2(151_936, 896, 4864, 24, 14, 2);
            default -> throw new IllegalArgumentException("unknown size " + size);
        };
    }

    private static ModelConfig qwen2(int vocab, int hidden, int ffn, int layers, int heads, int kvHeads) {
        return new ModelConfig(Architecture.QWEN2, vocab, hidden, ffn, layers, heads, kvHeads, hidden / heads, 1e-6,
                1e6, Optional.empty(), PROMPT_TOKENS + NEW_TOKENS, true, "float32", List.of(), OptionalInt.empty(),
                OptionalInt.empty());
    }

    /** One step: rollout, self-certainty, advantages, reference, gradients, clipping, AdamW. */
    private Map<String, Object> grpo(Device device) {
        GrpoConfig config = Recipe.read(GrpoConfig.class, null, Map.ofEntries(
                Map.entry("model", "none"), Map.entry("data", "none"),
                Map.entry("prompts_per_step", "" + PROMPTS), Map.entry("num_generations", "" + GROUP),
                Map.entry("max_prompt_length", "" + PROMPT_TOKENS), Map.entry("max_completion_length", "" + NEW_TOKENS),
                Map.entry("learning_rate", "1e-5"), Map.entry("lr_scheduler_type", "constant"),
                Map.entry("adam_beta2", "0.95"), Map.entry("weight_decay", "0.01"), Map.entry("beta", "0.005"),
                Map.entry("micro_batch_tokens", "" + MICRO_BATCH_TOKENS), Map.entry("shuffle_dataset", "false"),
                Map.entry("batch_invariant", batchInvariant), Map.entry("rollout_dtype", "" + dtype)));
        TrainingWeights policy = weights(device, "policy");
        ParameterSet reference = weights(device, "reference").working();
        PromptStream<EncodedPrompt> prompts = new PromptStream<>(
                prompts(PROMPTS).stream().map(p -> new EncodedPrompt(p, null)).toList(), false, SEED);
        List<StepResult> steps = new ArrayList<>();
        try (GrpoTrainer trainer = new GrpoTrainer(device, config, policy, reference, prompts, decoding(), tokens -> "",
                warmup + repeats, new StopSignal())) {
            for (int i = 0; i < warmup + repeats; i++) {
                StepResult step = trainer.step();
                if (i >= warmup) {
                    steps.add(step);
                }
            }
        }
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("prompts", PROMPTS);
        result.put("group", GROUP);
        result.put("prompt_len", PROMPT_TOKENS);
        result.put("new_tokens", NEW_TOKENS);
        for (String phase : steps.getFirst().seconds().keySet()) {
            result.put(phase + "_s", median(steps, s -> s.seconds().get(phase)));
        }
        result.put("total_s", median(steps, StepResult::totalSeconds));
        result.put("total_s_min", steps.stream().mapToDouble(StepResult::totalSeconds).min().orElseThrow());
        result.put("total_s_max", steps.stream().mapToDouble(StepResult::totalSeconds).max().orElseThrow());
        result.put("completion_tokens", steps.getFirst().completionTokens());
        result.put("rollout_tokens_per_s", steps.getFirst().completionTokens() / (double) result.get("rollout_s"));
        for (String metric : List.of("reward", "kl", "loss", "grad_norm")) {
            result.put(metric, steps.getLast().metrics().get(metric));
        }
        return result;
    }

    /** Batches of different prompts, one completion each. */
    private Map<String, Object> generate(Device device) {
        List<Map<String, Object>> runs = new ArrayList<>();
        DType matrices = dtype.forGeneration(device, "dtype").matrices();
        try (InferenceWeights policy = InferenceWeights.random(device, model, matrices, SEED, INITIAL_STD);
                Transformer transformer = new Transformer(device, policy);
                Rollout rollout = new Rollout(device, transformer, CACHE_BYTES)) {
            for (int batch : batches) {
                List<int[]> prompts = prompts(batch);
                List<double[]> times = new ArrayList<>();
                for (int i = 0; i < warmup + repeats; i++) {
                    double[] t = generateOnce(rollout, prompts, i);
                    if (i >= warmup) {
                        times.add(t);
                    }
                }
                double prefill = median(times, t -> t[0]);
                double decode = median(times, t -> t[1]);
                Map<String, Object> run = new LinkedHashMap<>();
                run.put("batch", batch);
                run.put("prompt", PROMPT_TOKENS);
                run.put("new_tokens", NEW_TOKENS);
                run.put("prefill_ms", 1e3 * prefill);
                run.put("decode_tokens_per_s", batch * (NEW_TOKENS - 1) / decode);
                run.put("ms_per_decode_step", 1e3 * decode / (NEW_TOKENS - 1));
                run.put("tokens_per_s_with_prefill", batch * NEW_TOKENS / (prefill + decode));
                runs.add(run);
            }
        }
        return new LinkedHashMap<>(Map.of("runs", runs));
    }

    /** Seconds until every completion has its first token, and from there to the end. */
    private double[] generateOnce(Rollout rollout, List<int[]> prompts, int stream) {
        long[] firstTokens = new long[1];
        int[] tokens = new int[1];
        long start = System.nanoTime();
        rollout.generate(prompts, 1, decoding(), stream, () -> false, (prompt, index, token) -> {
            if (++tokens[0] == prompts.size()) {
                firstTokens[0] = System.nanoTime();
            }
        });
        return new double[] {1e-9 * (firstTokens[0] - start), 1e-9 * (System.nanoTime() - firstTokens[0])};
    }

    private TrainingWeights weights(Device device, String name) {
        TrainingWeights weights = new TrainingWeights(device.arena(name), model, DType.F32, name);
        weights.initialize(SEED, INITIAL_STD);
        return weights;
    }

    private List<int[]> prompts(int count) {
        SplittableRandom random = new SplittableRandom(SEED);
        List<int[]> prompts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            prompts.add(random.ints(PROMPT_TOKENS, 0, model.vocabSize()).toArray());
        }
        return prompts;
    }

    private Decoding decoding() {
        return new Decoding(new Sampling(1, 0, 1, 0, model.vocabSize(), SEED), NEW_TOKENS, Set.of(), 1);
    }

    private static <T> double median(List<T> values, ToDoubleFunction<T> of) {
        return Bench.median(values.stream().mapToDouble(of).toArray());
    }

    /** The most memory this process has had resident so far. */
    private static double peakRssMib() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmHWM:")) {
                return Long.parseLong(line.replaceAll("\\D", "")) / 1024.0;
            }
        }
        return Double.NaN;
    }
}
