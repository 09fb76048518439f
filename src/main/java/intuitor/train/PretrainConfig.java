package intuitor.train;

import intuitor.device.PackedAttention;
import intuitor.device.StorageType;
import intuitor.optim.SchedulerType;
import intuitor.recipe.Key;
import java.nio.file.Path;

/**
 * All settings of {@code pretrain}: a Qwen2-architecture base model from nothing, on the generated arithmetic corpus.
 * Keys of its YAML recipe and flags of the command.
 */
public record PretrainConfig(

        @Key(required = true, help = "folder to write the model to (a Hugging Face folder)")
        Path output,
        @Key(value = "1", help = "seed of the corpus and of the initial weights")
        long seed,

        // the model

        @Key(value = "512", range = "[300, inf)", help = "tokens of the byte-level BPE vocabulary, end token included")
        int vocabSize,
        @Key(value = "128", range = "[2, inf)", help = "width of the residual stream")
        int hiddenSize,
        @Key(value = "512", range = "[1, inf)", help = "width of the feed-forward layers")
        int intermediateSize,
        @Key(value = "4", range = "[1, inf)", help = "decoder layers")
        int numHiddenLayers,
        @Key(value = "4", range = "[1, inf)", help = "query heads")
        int numAttentionHeads,
        @Key(value = "2", range = "[1, inf)", help = "key-value heads")
        int numKeyValueHeads,
        @Key(value = "512", range = "[16, inf)", help = "longest sequence")
        int maxPositionEmbeddings,
        @Key(value = "10000", range = "(1, inf)", help = "base of the rotary position embedding")
        double ropeTheta,
        @Key(value = "0.02", range = "(0, inf)", help = "standard deviation of the initial weights")
        double initializerRange,

        // the corpus

        @Key(value = "20000", range = "[1, inf)", help = "documents that the tokenizer is made from")
        int tokenizerDocuments,
        @Key(value = "0.12", range = "[0, 1]", help = "share of documents that drill single-digit facts")
        double worksheets,
        @Key(value = "0.4", range = "[0, inf)", help = "share of careful, always right solutions")
        double careful,
        @Key(value = "0.3", range = "[0, inf)", help = "share of guesses")
        double guess,
        @Key(value = "0.3", range = "[0, inf)", help = "share of sloppy solutions")
        double sloppy,
        @Key(value = "0.15", range = "[0, 1]", needs = "guess", help = "probability that a guess is right")
        double guessIsRight,
        @Key(value = "0.55", range = "[0, 1]", needs = "sloppy", help = "probability that a sloppy step is right")
        double stepIsRight,
        @Key(value = "4000", range = "[1, inf)", help = "problems written to train_prompts.jsonl, without answers")
        int trainPrompts,
        @Key(value = "500", range = "[1, inf)", help = "held-out problems written to heldout.jsonl, with answers")
        int heldOutProblems,

        // optimiser

        @Key(value = "1500", range = "[1, inf)", help = "optimiser steps")
        int maxSteps,
        @Key(value = "8192", range = "[1, inf)",
                help = "tokens a step, at least: whole documents are taken until they are there")
        int tokensPerStep,
        @Key(value = "4096", range = "[1, inf)", help = "tokens in memory at once; more of a step are accumulated")
        int microBatchTokens,
        @Key(value = "2e-3", range = "(0, inf)", help = "peak learning rate of AdamW")
        double learningRate,
        @Key(value = "cosine", help = "course of the learning rate after its warm-up")
        SchedulerType lrSchedulerType,
        @Key(value = "0.05", range = "[0, 1]", help = "part of the steps over which the learning rate rises")
        double warmupRatio,
        @Key(value = "0.9", range = "[0, 1)", help = "AdamW's decay of the gradient's mean")
        double adamBeta1,
        @Key(value = "0.95", range = "[0, 1)", help = "AdamW's decay of the gradient's mean square")
        double adamBeta2,
        @Key(value = "1e-8", range = "(0, inf)", help = "AdamW's term against division by zero")
        double adamEpsilon,
        @Key(value = "0.01", range = "[0, inf)", help = "AdamW's weight decay; never applied to norms and biases")
        double weightDecay,
        @Key(value = "1", range = "[0, inf)", help = "the gradient is scaled down to this norm; 0: never")
        double maxGradNorm,

        // machine

        @Key(value = "auto", help = "auto, cpu or cuda")
        String device,
        @Key(help = "folder of NVIDIA's libraries; without it they are searched for")
        Path cudaLibraries,
        @Key(value = "native",
                help = "attention of whole sequences: native, or cudnn (bfloat16 on a GPU)")
        PackedAttention.Library attention,
        @Key(value = "auto",
                help = "storage type of weights and activations; auto: bfloat16 on a GPU, float32 on the CPU")
        StorageType dtype,
        @Key(value = "0", range = "[0, inf)", help = "CPU threads; 0: one for each core")
        int threads) {

    public PretrainConfig {
        if (hiddenSize % numAttentionHeads != 0 || hiddenSize / numAttentionHeads % 2 != 0) {
            throw new IllegalArgumentException("hidden_size: must be an even multiple of num_attention_heads, found "
                    + hiddenSize + " and " + numAttentionHeads);
        }
        if (numAttentionHeads % numKeyValueHeads != 0) {
            throw new IllegalArgumentException("num_key_value_heads: must divide num_attention_heads, found "
                    + numKeyValueHeads + " and " + numAttentionHeads);
        }
        if (careful + guess + sloppy <= 0) {
            throw new IllegalArgumentException("careful: one of careful, guess and sloppy must be above 0");
        }
    }
}
