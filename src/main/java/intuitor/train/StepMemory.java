package intuitor.train;

import intuitor.device.PackedAttention;
import intuitor.device.StorageType;
import intuitor.model.Activations;
import intuitor.model.ModelMemory;
import intuitor.model.ModelMemory.DrawnFrom;
import intuitor.recipe.Recipe;
import intuitor.rollout.CacheBudget;
import intuitor.rollout.Rollout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The memory of a run, in bytes, as {@link GrpoTrainer} will hold it: what stays from the first step to the last, and
 * one area that generation and training use in turn. It is computed for prompts and completions of the greatest length.
 * Scoring, by the policy or the reference, is in that area too, and takes less than training does.
 *
 * @param lasting       what stays, by name
 * @param together      completions whose keys and values fit the cache at once; the others of a step wait
 * @param keysAndValues of the cache
 * @param generation    what generation takes beside them: on the CPU a copy of the weights, and activations
 * @param trainTokens   rows of the largest micro-batch
 * @param training      its activations and what their backward pass takes; on the CPU, with batch_invariant, a copy
 *                      of the weights
 */
record StepMemory(Map<String, Long> lasting, long together, long keysAndValues, long generation, long trainTokens,
                  long training) {

    private static final long MIB = 1 << 20;
    /** Fewer tokens at once would make training slow. */
    private static final int FEWEST_TOKENS = 256;

    /**
     * The settings, with kv_cache_mib and micro_batch_tokens decided where they leave them open, so that the run fits
     * the memory if it can: on a GPU a cache for all completions of a step, or what else there is room for; and by
     * halves the most tokens.
     *
     * @param longestPrompt in tokens
     * @param memoryBytes   of the device
     */
    static GrpoConfig fitted(GrpoConfig config, ModelMemory model, int longestPrompt, long memoryBytes) {
        long budget = (long) (config.memoryUtilization() * memoryBytes);
        GrpoConfig fitted = config.kvCacheMib() != 0 ? config
                : with(config, "kv_cache_mib", cacheMib(config, model, longestPrompt, budget));
        if (config.microBatchTokens() != 0) {
            return fitted;
        }
        int tokens = config.tokensAtOnce();
        fitted = with(fitted, "micro_batch_tokens", tokens);
        // generation takes no less with fewer tokens here, and a completion is never split
        long fewest = Math.max(FEWEST_TOKENS, longestPrompt + config.maxCompletionLength());
        while (tokens > fewest && of(fitted, model, longestPrompt).trainingBytes() > budget) {
            tokens /= 2;
            fitted = with(fitted, "micro_batch_tokens", tokens);
        }
        return fitted;
    }

    private static long cacheMib(GrpoConfig config, ModelMemory model, int longestPrompt, long budget) {
        if (!model.gpu()) {
            return CacheBudget.CPU_MIB;
        }
        StepMemory unbounded = of(with(config, "kv_cache_mib", Integer.MAX_VALUE), model, longestPrompt);
        long room = budget - unbounded.lastingBytes() - unbounded.generation;
        return unbounded.keysAndValues <= room ? Math.ceilDiv(unbounded.keysAndValues, MIB) : Math.max(1, room / MIB);
    }

    private static GrpoConfig with(GrpoConfig config, String key, long value) {
        return Recipe.with(config, Map.of(key, "" + value));
    }

    /** What to change so that a run takes less. */
    static String less(GrpoConfig config) {
        List<String> less = new ArrayList<>(List.of("micro_batch_tokens", "kv_cache_mib"));
        if (!config.gradientCheckpointing()) {
            less.add("gradient_checkpointing: true");
        }
        if (config.needsReference()) {
            less.add("beta: 0 (no reference)");
        }
        return String.join(", ", less);
    }

    /** @param longestPrompt in tokens */
    static StepMemory of(GrpoConfig config, ModelMemory model, int longestPrompt) {
        Map<String, Long> lasting = new LinkedHashMap<>();
        lasting.put("weights, float32", model.fp32());
        if (model.workingCopy() > 0) {
            lasting.put("weights, bfloat16", model.workingCopy());
        }
        lasting.put("gradients, float32", model.fp32());
        lasting.put("AdamW's two moments, float32", 2 * model.fp32());
        if (config.needsReference()) {
            lasting.put(model.workingCopy() > 0 ? "reference, bfloat16" : "reference, float32", model.weights());
        }
        long prompts = config.promptsPerStep();
        long completions = config.completionsPerStep();

        // pages of the cache, as Rollout takes them; the last token of a completion leaves no key
        long ofPrompt = pages(longestPrompt);
        long own = pages(config.maxCompletionLength() - 1);
        long wanted = Math.min(ofPrompt * prompts + own * completions, (ofPrompt + own) * Rollout.MAX_SEQUENCES);
        long page = model.cacheRow() * Rollout.PAGE_SIZE;
        long pages = Math.max(ofPrompt + own, Math.min(wanted, config.cacheBytes() / page));
        double each = own + (double) ofPrompt / config.numGenerations();
        long together = Math.clamp((long) (pages / Math.max(each, 1)), 1, Math.min(completions, Rollout.MAX_SEQUENCES));

        long longest = (long) longestPrompt + config.maxCompletionLength();
        // cuDNN's attention cannot share the keys of a prompt, so each completion has its own copy
        long promptRows = (config.attention() == PackedAttention.Library.CUDNN ? completions : prompts) * longestPrompt;
        long all = promptRows + completions * config.maxCompletionLength();
        long trainTokens = Math.min(all, Math.max(longest, config.tokensAtOnce()));
        long prefill = Math.min(prompts * longestPrompt, Math.max(longestPrompt, Rollout.prefillTokens(model.gpu())));
        return new StepMemory(lasting, together, pages * page,
                rolloutCopy(config, model) + model.generation(Math.max(together, prefill), together, drawnFrom(config)),
                trainTokens,
                (config.batchInvariant() ? model.packedCopy() : 0) + model.training(trainTokens,
                        config.gradientCheckpointing() ? Activations.Keep.LAYER_INPUTS : Activations.Keep.ALL));
    }

    private static DrawnFrom drawnFrom(GrpoConfig config) {
        return config.drawsFused() ? DrawnFrom.STRIPS
                : config.repetitionPenalty() == 1 ? DrawnFrom.LOGITS : DrawnFrom.PENALIZED_LOGITS;
    }

    /** The matrices in the order of the library, in bf16 where nothing is drawn with others: evaluations are. */
    private static long rolloutCopy(GrpoConfig config, ModelMemory model) {
        boolean evaluates = config.evalData() != null || config.probeData() != null || !config.evalTasks().isEmpty();
        return config.rolloutDtype() == StorageType.BFLOAT16 && !evaluates ? model.packedCopy() / 2
                : model.packedCopy();
    }

    private static long pages(long tokens) {
        return Math.ceilDiv(tokens, Rollout.PAGE_SIZE);
    }

    long lastingBytes() {
        return lasting.values().stream().mapToLong(Long::longValue).sum();
    }

    /** Of the area that generation and training use in turn. */
    long sharedBytes() {
        return Math.max(keysAndValues + generation, training);
    }

    /** While the model learns. */
    private long trainingBytes() {
        return lastingBytes() + training;
    }

    long bytes() {
        return lastingBytes() + sharedBytes();
    }
}
