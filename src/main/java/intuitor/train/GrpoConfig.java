package intuitor.train;

import intuitor.UserError;
import intuitor.data.PromptColumns;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.FusedHead;
import intuitor.device.HeadForward;
import intuitor.device.PackedAttention;
import intuitor.device.Sampling;
import intuitor.device.StorageType;
import intuitor.eval.task.Tasks;
import intuitor.model.ModelConfig;
import intuitor.optim.SchedulerType;
import intuitor.recipe.Key;
import intuitor.reward.AnswerExtraction;
import intuitor.reward.RewardSettings;
import intuitor.reward.Rewards;
import intuitor.rollout.CacheBudget;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * All settings of a GRPO run: the keys of its YAML recipe, the flags of {@code train}, and the {@code config.yaml} of
 * its run folder. Names and meanings are TRL's (and transformers') where those have them; the defaults are Intuitor's
 * (arXiv 2505.19590).
 */
public record GrpoConfig(

        // model, data, length of the run

        @Key(required = true, help = "Hugging Face folder of the base model; also the frozen reference")
        Path model,
        @Key(required = true,
                help = "prompts: JSONL, CSV or parquet, or a folder of it; answers are read if a reward needs them")
        Path data,
        @Key(help = "column of the prompts, texts or messages (default: the first of prompt, question, problem, ...)")
        String promptColumn,
        @Key(help = "column of the answers (default: the first of answer, reward_model.ground_truth, solution, ...)")
        String answerColumn,
        @Key(help = "rows of the data to train on, as column=value; those for which one does not hold are left out")
        List<String> dataFilter,
        @Key(value = "runs", help = "folder that holds the run folders")
        Path outputDir,
        @Key(help = "name of the run folder (default: the first free of run-1, run-2, ...)")
        String runName,
        @Key(value = "42", help = "seed of the data's order and of every drawn token")
        long seed,
        @Key(value = "-1", range = "[-1, 8388606]",
                help = "steps: rollouts with their updates; -1: as many as num_train_epochs makes")
        int maxSteps,
        @Key(value = "1", range = "(0, inf)", needs = "max_steps: -1",
                help = "passes over the prompts, where max_steps is -1")
        double numTrainEpochs,
        @Key(value = "true", help = "draw the prompts in a new random order each epoch")
        boolean shuffleDataset,

        // prompts and completions

        @Key(value = "auto", help = "wrap prompts in the model's chat template (auto: where it has one)")
        ChatTemplateUse chatTemplate,
        @Key(help = "system message put before every prompt; needs a chat template")
        String systemPrompt,
        @Key(help = "date that a chat template writes, as 2024-07-26 (default: the day the run starts)")
        String chatTemplateDate,
        @Key(value = "16", range = "[1, 16777215]", help = "prompts a step")
        int promptsPerStep,
        @Key(value = "8", range = "[2, 65535]", help = "completions a prompt: G, the size of a group")
        int numGenerations,
        @Key(value = "512", range = "[1, inf)", help = "longest prompt in tokens; longer ones are left out")
        int maxPromptLength,
        @Key(value = "256", range = "[1, inf)", help = "longest completion in tokens")
        int maxCompletionLength,
        @Key(help = "tokens that end a completion, beside the model's own end tokens")
        List<String> stopTokens,
        @Key(help = "texts that end a completion, wherever its tokens are cut, and stay its end; as a list, "
                + "[\"a, b\"], if one holds a comma")
        List<String> stopStrings,
        @Key(value = "1", range = "(0, inf)", help = "divides the logits, in sampling and in the loss")
        double temperature,
        @Key(value = "0", range = "[0, inf)", help = "sample from the k most likely tokens only; 0: from all")
        int topK,
        @Key(value = "1", range = "(0, 1]", help = "sample from the most likely tokens that make up this probability")
        double topP,
        @Key(value = "0", range = "[0, 1]", help = "sample from tokens of at least this times the highest probability")
        double minP,
        @Key(value = "1", range = "(0, inf)", help = "above 1, tokens that the prompt or the completion already has "
                + "are less likely; log-probabilities are without it")
        double repetitionPenalty,

        // optimiser

        @Key(value = "1e-6", range = "[0, inf)", help = "peak learning rate of AdamW")
        double learningRate,
        @Key(value = "cosine", help = "course of the learning rate after its warm-up")
        SchedulerType lrSchedulerType,
        @Key(value = "0.1", range = "[0, 1]", help = "part of the steps over which the learning rate rises")
        double warmupRatio,
        @Key(value = "0.9", range = "[0, 1)", help = "AdamW's decay of the gradient's mean")
        double adamBeta1,
        @Key(value = "0.999", range = "[0, 1)", help = "AdamW's decay of the gradient's mean square")
        double adamBeta2,
        @Key(value = "1e-8", range = "(0, inf)", help = "AdamW's term against division by zero")
        double adamEpsilon,
        @Key(value = "0", range = "[0, inf)", help = "AdamW's weight decay; never applied to norms and biases")
        double weightDecay,
        @Key(value = "1", range = "[0, inf)", help = "the gradient is scaled down to this norm; 0: never")
        double maxGradNorm,
        @Key(value = "0", range = "[0, inf)",
                help = "tokens in memory at once in training; more of a step are accumulated. Changes results by "
                        + "rounding only. 0: 16384, or what the memory has room for; config.yaml says which")
        int microBatchTokens,
        @Key(value = "false", help = "compute each layer again in the backward pass: less memory, a third more work")
        boolean gradientCheckpointing,
        @Key(value = "true", help = "on a CPU with AVX-512, log-probabilities in training have the bits that they had "
                + "in sampling; false saves a copy of the weights in memory")
        boolean batchInvariant,

        // rewards

        @Key(value = "self_certainty",
                help = "what is rewarded: self_certainty, accuracy, plurality_vote, ... (docs/rewards.md)")
        List<String> rewardFuncs,
        @Key(help = "weights of reward_funcs, in their order; none: 1 for each")
        List<String> rewardWeights,
        @Key(value = "normalize_then_sum",
                help = "whether each of several rewards is normalised in its group, or their weighted sum")
        Aggregation multiObjectiveAggregation,
        @Key(value = "group", help = "what a group's centred rewards are divided by: its own standard deviation, ...")
        RewardScale scaleRewards,
        @Key(value = "1", range = "(0, inf)", help = "divides the logits that self-certainty is measured on")
        double certaintyTemperature,
        @Key(value = "policy", help = "who scores: the policy as it learns (online), or the frozen base (offline)")
        CertaintyModel certaintyModel,
        @Key(value = "aligned",
                help = "legacy: score token t by the distribution after it, as Intuitor's first code did")
        PositionOffset positionOffset,
        @Key(value = "stated",
                help = "where final answers are: after #### or in a \\boxed{}; as benchmarks look; the last number")
        AnswerExtraction answerExtraction,
        @Key(value = "0", range = "[0, 1]", needs = "reward_funcs: semantic_entropy",
                help = "semantic_entropy: least entropy of a group that is rewarded, in units of log G")
        double semanticEntropyLow,
        @Key(value = "1", range = "[0, 1]", needs = "reward_funcs: semantic_entropy",
                help = "semantic_entropy: greatest entropy of a group that is rewarded")
        double semanticEntropyHigh,
        @Key(value = "<think>\\n.*?\\n</think>\\n<answer>\\n.*?\\n</answer>", needs = "reward_funcs: format",
                help = "format: regular expression that a whole completion must match")
        String formatPattern,
        @Key(value = "3", range = "[1, inf)", needs = "reward_funcs: repetition_penalty",
                help = "repetition_penalty: words of an n-gram")
        int repetitionNGrams,
        @Key(value = "-1", range = "(-inf, 0]", needs = "reward_funcs: repetition_penalty",
                help = "repetition_penalty: the reward of a completion that only repeats")
        double repetitionMaxPenalty,

        // objective

        @Key(value = "0.005", range = "[0, inf)",
                help = "weight of the KL divergence from the reference; 0: no reference")
        double beta,
        @Key(value = "1", range = "[1, 255]", help = "updates made from each rollout: mu")
        int numIterations,
        @Key(value = "0.2", range = "(0, inf)",
                help = "the ratio of probabilities, new to old, is clipped to 1 - epsilon .. 1 + epsilon")
        double epsilon,
        @Key(value = "0", range = "[0, inf)",
                help = "the ratio's upper bound is 1 + this (cispo: this); 0: as epsilon")
        double epsilonHigh,
        @Key(value = "0", range = "[0, inf)",
                help = "upper bound of the ratio where the advantage is negative, too; 0: none")
        double delta,
        @Key(value = "token", help = "whether each token has a ratio, or the sequence one (GSPO)")
        ImportanceSamplingLevel importanceSamplingLevel,
        @Key(value = "2", range = "[0, inf)",
                help = "a token's advantage is weighted by its probability in training over that in sampling, cut at "
                        + "this; 0: not weighted")
        double importanceSamplingCap,
        @Key(value = "grpo",
                help = "how token losses are averaged: per sequence, batch, max length, step; cispo: another loss")
        LossType lossType,
        @Key(value = "0", range = "[0, inf)", needs = "loss_type: bnpo",
                help = "completions in bnpo's local batch; 0: all of a step (bnpo is then dapo)")
        int perDeviceTrainBatchSize,
        @Key(value = "false", help = "leave completions that reach max_completion_length out of the loss")
        boolean maskTruncatedCompletions,
        @Key(value = "1", range = "[0, 1]",
                help = "part of the tokens, those of the highest entropy, that the advantages act on")
        double topEntropyQuantile,
        @Key(value = "false", help = "let the reference follow the policy")
        boolean syncRefModel,
        @Key(value = "0.6", range = "[0, 1]", needs = "sync_ref_model",
                help = "sync_ref_model: the policy's part in the new reference")
        double refModelMixupAlpha,
        @Key(value = "512", range = "[1, inf)", needs = "sync_ref_model",
                help = "sync_ref_model: steps between two moves of the reference")
        int refModelSyncSteps,

        // evaluation on held-out problems

        @Key(help = "problems with answers to measure accuracy on before and after; none: no evaluation")
        Path evalData,
        @Key(value = "200", range = "[1, inf)", needs = "eval_data",
                help = "problems evaluated: the first of eval_data")
        int evalPrompts,
        @Key(value = "4", range = "[1, 65535]", needs = "eval_data",
                help = "answers sampled for each of them, beside one greedy answer")
        int evalSamples,
        @Key(value = "true", help = "evaluate before the first step")
        boolean evalOnStart,
        @Key(value = "true", help = "evaluate after the last step")
        boolean evalOnEnd,

        // evaluation on benchmarks while training

        @Key(value = "0", range = "[0, inf)", help = "steps between evaluations on eval_tasks; 0: none")
        int evalSteps,
        @Key(help = "benchmarks, as gsm8k or math500, to evaluate on every eval_steps, greedily")
        List<String> evalTasks,
        @Key(needs = "eval_tasks", help = "folder of the benchmarks' folders, as for eval --data")
        Path evalTasksData,
        @Key(value = "100", range = "[1, inf)", needs = "eval_tasks", help = "problems of each benchmark: the first")
        int evalTasksLimit,

        // the monitor

        @Key(help = "a few problems with answers (JSONL) to watch the policy on; nothing of them is trained on")
        Path probeData,
        @Key(value = "10", range = "[1, inf)", needs = "probe_data", help = "steps between two looks at probe_data")
        int probeSteps,
        @Key(value = "50", range = "[1, inf)", needs = "probe_data",
                help = "problems looked at: the first of probe_data")
        int probePrompts,
        @Key(value = "4", range = "[1, 65535]", needs = "probe_data", help = "completions drawn for each of them")
        int probeSamples,
        @Key(value = "warn", help = "what to do when the reward is being hacked: only say so; stop; return to the last "
                + "sound checkpoint and halve the learning rate; multiply beta by 10 (docs/monitor.md)")
        OnHacking onHacking,

        // what is kept

        @Key(value = "10", range = "[0, inf)", help = "steps between checkpoints; 0: none but the final model")
        int saveSteps,
        @Key(value = "2", range = "[0, inf)", help = "checkpoints kept, the newest; 0: all")
        int saveTotalLimit,
        @Key(value = "f32", help = "storage type of saved weights; training itself goes on from 32 bits")
        SaveDtype saveDtype,
        @Key(value = "true", help = "write completions with their scores to completions/")
        boolean logCompletions,
        @Key(value = "10", range = "[1, inf)", help = "steps between logged completions, and between printed lines")
        int loggingSteps,

        // machine

        @Key(value = "auto", help = "auto, cpu or cuda")
        String device,
        @Key(help = "folder of NVIDIA's libraries; without it they are searched for")
        Path cudaLibraries,
        @Key(value = "native",
                help = "attention of whole sequences: native, or cudnn (bfloat16 on a GPU; prompts not shared)")
        PackedAttention.Library attention,
        @Key(value = "false", help = "record the steps of generation in CUDA graphs, on a GPU")
        boolean cudaGraphs,
        @Key(value = "tiled",
                help = "LM head of scoring passes: tiled, or fused (bfloat16 on an H100 or H200; not batch_invariant), "
                        + "which draws tokens, too, unless top_k, top_p, min_p or a repetition_penalty is given")
        HeadForward.Kind lmHead,
        @Key(value = "auto",
                help = "storage type of weights and activations; auto: bfloat16 on a GPU, float32 on the CPU")
        StorageType dtype,
        @Key(value = "auto",
                help = "type of the matrices that completions are drawn with; auto: dtype. bfloat16 on a CPU is faster "
                        + "where it has AVX512_BF16, and not quite the policy: importance_sampling_cap")
        StorageType rolloutDtype,
        @Key(value = "0", range = "[0, inf)", help = "CPU threads; 0: one for each core")
        int threads,
        @Key(value = "0", range = "[0, inf)",
                help = "MiB of keys and values held in generation; more is done in turns. 0: 2048 on a CPU, on a GPU "
                        + "what a step takes or the memory has room for; config.yaml says which")
        int kvCacheMib,
        @Key(value = "" + CacheBudget.SHARE, range = "(0, 1]",
                help = "part of the device's memory that micro_batch_tokens and kv_cache_mib go by where they are 0; "
                        + "the rest is for others")
        double memoryUtilization) {

    private static final String SELF_CERTAINTY = "self_certainty";
    private static final int TOKENS_AT_ONCE = 16384;

    public GrpoConfig {
        require(maxSteps != 0, "max_steps: 0 steps train nothing; give -1 for num_train_epochs");
        require(systemPrompt == null || chatTemplate != ChatTemplateUse.NEVER,
                "system_prompt: needs a chat template, but chat_template is never");
        require(runName == null || runName.matches("[\\w.-]*\\w[\\w.-]*"),
                "run_name: letters, digits, '_', '-' and '.' only, found '" + runName + "'");
        require(lmHead == HeadForward.Kind.TILED || !batchInvariant,
                "lm_head: fused does not give the bits of sampling; give batch_invariant false, or lm_head tiled");
        require(!stopStrings.contains(""), "stop_strings: an empty text would end everything");
        requirePattern(formatPattern);
        try {
            PromptColumns.named(promptColumn, answerColumn, dataFilter);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("data_filter: " + e.getMessage(), e);
        }
        // refuses what cannot be made
        new Rewards(rewardFuncs, rewardWeights, new RewardSettings(answerExtraction, formatPattern, semanticEntropyLow,
                semanticEntropyHigh, repetitionNGrams, repetitionMaxPenalty));
        require(semanticEntropyLow <= semanticEntropyHigh,
                "semantic_entropy_low: " + semanticEntropyLow + " is above semantic_entropy_high, "
                        + semanticEntropyHigh);
        require(certaintyModel == CertaintyModel.POLICY || rewardFuncs.contains(SELF_CERTAINTY),
                "certainty_model: reference goes with self_certainty only, which reward_funcs does not name");
        require(positionOffset == PositionOffset.ALIGNED || rewardFuncs.contains(SELF_CERTAINTY),
                "position_offset: legacy goes with self_certainty only, which reward_funcs does not name");
        require(certaintyModel == CertaintyModel.POLICY || positionOffset == PositionOffset.ALIGNED,
                "position_offset: legacy goes with certainty_model policy only");
        requireLoss(lossType, epsilon, epsilonHigh, delta, importanceSamplingLevel);
        require(!syncRefModel || beta > 0, "sync_ref_model: with beta 0 there is no reference");
        require(!syncRefModel || certaintyModel == CertaintyModel.POLICY,
                "sync_ref_model: goes with certainty_model policy only; the frozen base cannot judge once it moves");
        for (String task : evalTasks) {
            require(Tasks.NAMES.contains(task),
                    "eval_tasks: no task '" + task + "'; there are " + String.join(", ", Tasks.NAMES));
        }
        require(evalTasks.isEmpty() == (evalSteps == 0),
                "eval_steps and eval_tasks: give both, or neither");
        require(evalTasks.isEmpty() || evalTasksData != null,
                "eval_tasks: needs eval_tasks_data, the folder of the benchmarks");
        require(onHacking != OnHacking.ROLLBACK || saveSteps > 0,
                "on_hacking: rollback needs checkpoints to return to, but save_steps is 0");
        require(onHacking != OnHacking.RAISE_BETA || beta > 0, "on_hacking: raise_beta needs a beta above 0");
        if (chatTemplateDate != null) {
            try {
                LocalDate.parse(chatTemplateDate);
            } catch (DateTimeException e) {
                throw new IllegalArgumentException("chat_template_date: expected a date as 2024-07-26, found '"
                        + chatTemplateDate + "'");
            }
        }
    }

    /** Tokens in memory at once in training: micro_batch_tokens where it is given. */
    int tokensAtOnce() {
        return microBatchTokens == 0 ? TOKENS_AT_ONCE : microBatchTokens;
    }

    /** Memory for keys and values in generation: kv_cache_mib where it is given. */
    long cacheBytes() {
        return (long) (kvCacheMib == 0 ? CacheBudget.CPU_MIB : kvCacheMib) << 20;
    }

    /** Completions of a step. */
    long completionsPerStep() {
        return (long) promptsPerStep * numGenerations;
    }

    /** Tokens drawn in a step, at most. */
    long tokensDrawn() {
        return completionsPerStep() * maxCompletionLength;
    }

    /** Where the data keep prompts and answers. */
    public PromptColumns columns() {
        return PromptColumns.named(promptColumn, answerColumn, dataFilter);
    }

    /** The chosen rewards, ready to judge. */
    public Rewards rewards() {
        return new Rewards(rewardFuncs, rewardWeights, new RewardSettings(answerExtraction, formatPattern,
                semanticEntropyLow, semanticEntropyHigh, repetitionNGrams, repetitionMaxPenalty));
    }

    /** Whether the frozen base model takes part in the steps. */
    public boolean needsReference() {
        return beta > 0 || certaintyModel == CertaintyModel.REFERENCE;
    }

    /** Whether more self-certainty is more reward: it is one of the rewards, with a weight above 0. */
    public boolean rewardsSelfCertainty() {
        return rewards().weight(SELF_CERTAINTY) > 0;
    }

    /**
     * The type of the matrices that completions are drawn with.
     *
     * @param weights of the policy's own: {@code dtype} on this device
     * @throws UserError if the device does not take it
     */
    public DType rolloutMatrices(Device on, DType weights) {
        if (on.info().isGpu()) {
            requireRolloutsOnGpu(weights);
            return weights;
        }
        return rolloutDtype == StorageType.AUTO ? weights
                : rolloutDtype.forGeneration(on, "rollout_dtype").matrices();
    }

    /** @throws UserError if no GPU draws completions as asked for, with weights of this type */
    void requireRolloutsOnGpu(DType weights) {
        if (rolloutDtype != StorageType.AUTO && rolloutDtype.onGpu() != weights) {
            throw new UserError("rollout_dtype: on a GPU completions are drawn in dtype, here "
                    + StorageType.of(weights) + "; leave it out");
        }
    }

    /** @throws UserError if this device lacks what the settings ask of it, for such a model */
    void requireOf(Device device, ModelConfig config) {
        DType weights = dtype.on(device);
        rolloutMatrices(device, weights);
        if (lmHead == HeadForward.Kind.FUSED) {
            FusedHead.require(device, weights, config.hiddenSize());
        }
    }

    /** Whether the LM head draws tokens without logits in memory; then it does so in evaluations, too. */
    boolean drawsFused() {
        return lmHead == HeadForward.Kind.FUSED && !Sampling.isFiltered(topK, topP, minP) && repetitionPenalty == 1;
    }

    /** {@code max_steps}, or the whole steps that {@code num_train_epochs} passes over {@code prompts} prompts make. */
    public int totalSteps(int prompts) {
        return maxSteps > 0 ? maxSteps : (int) Math.max(1, Math.floor(numTrainEpochs * prompts / promptsPerStep));
    }

    /** When prompts are wrapped in the model's chat template. */
    public enum ChatTemplateUse { AUTO, ALWAYS, NEVER }

    /** Whether each of several rewards is normalised on its own, or their weighted sum. */
    public enum Aggregation { NORMALIZE_THEN_SUM, SUM_THEN_NORMALIZE }

    /** What rewards centred on their group's mean are divided by. */
    public enum RewardScale { GROUP, BATCH, NONE }

    /** Which model's self-certainty is the reward. */
    public enum CertaintyModel { POLICY, REFERENCE }

    /** Which position's distribution scores a token: the one that produced it, or (legacy) the one after it. */
    public enum PositionOffset { ALIGNED, LEGACY }

    /** Whether the ratio of probabilities is that of each token, or of the whole completion. */
    public enum ImportanceSamplingLevel { TOKEN, SEQUENCE }

    /** Storage type of saved weights. */
    public enum SaveDtype { F32, BF16, F16 }

    /** What to do when the monitor sees that the reward is being hacked. */
    public enum OnHacking { WARN, STOP, ROLLBACK, RAISE_BETA }

    private static void requireLoss(LossType type, double epsilon, double epsilonHigh, double delta,
            ImportanceSamplingLevel level) {
        boolean cispo = type == LossType.CISPO;
        require(!cispo || epsilonHigh >= 1,
                "epsilon_high: loss_type cispo clips the ratio to it; give one of at least 1, for instance 5");
        require(!cispo || level == ImportanceSamplingLevel.TOKEN,
                "importance_sampling_level: loss_type cispo weights tokens; sequence goes with the other loss types");
        require(!cispo || delta == 0, "delta: goes with clipped losses, not with loss_type cispo");
        double high = 1 + (epsilonHigh > 0 ? epsilonHigh : epsilon);
        require(delta == 0 || delta > high,
                "delta: " + delta + " is not above the clipped ratio's upper bound, 1 + epsilon_high = " + high);
    }

    private static void requirePattern(String pattern) {
        try {
            Pattern.compile(pattern);
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException("format_pattern: not a regular expression: " + e.getDescription()
                    + " in '" + pattern + "'", e);
        }
    }

    private static void require(boolean holds, String message) {
        if (!holds) {
            throw new IllegalArgumentException(message);
        }
    }
}
