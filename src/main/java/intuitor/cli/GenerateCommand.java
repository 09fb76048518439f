package intuitor.cli;

import intuitor.UserError;
import intuitor.checkpoint.Digests;
import intuitor.data.Prompt;
import intuitor.data.PromptSet;
import intuitor.device.HeadForward;
import intuitor.device.Sampling;
import intuitor.model.ModelConfig;
import intuitor.report.ProgressLine;
import intuitor.reward.AnswerExtraction;
import intuitor.reward.BestOfN;
import intuitor.reward.SelfCertainty;
import intuitor.rollout.Completion;
import intuitor.rollout.Decoding;
import intuitor.rollout.Group;
import intuitor.rollout.Rollout;
import intuitor.rollout.StopStrings;
import intuitor.rollout.StopText;
import intuitor.rollout.StopTokens;
import intuitor.rollout.TokenListener;
import intuitor.text.ChatTemplate;
import intuitor.text.PromptEncoder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code intuitor generate}: a prompt in, text out, token by token. */
@Command(
        name = "generate",
        description = {
            "Completes a prompt and prints the text as it comes. The prompt is the argument, or else standard input.",
            "",
            "With --prompts FILE (JSONL, {\"prompt\": \"...\"} a line) all prompts are completed together, and a line",
            "  {\"prompt\": ..., \"completion\": ..., \"tokens\": n, \"stopped\": ..., \"self_certainty\": x}",
            "is printed for each completion, or written to --output FILE.",
            "",
            "With --interactive, a conversation: each line of standard input is answered."
        },
        footer = {
            "",
            "Examples:",
            "  intuitor generate --model models/arithmetic-1m $'Question: What is 12 + 7?\\nAnswer:'",
            "  intuitor generate --model Qwen2.5-1.5B-Instruct --chat --greedy \"What is self-certainty?\"",
            "  intuitor generate --model runs/run-1/final --prompts p.jsonl --output c.jsonl --n 8",
            "  echo \"Once upon a time\" | intuitor generate --model runs/run-1/final --n 4 --seed 1"
        })
final class GenerateCommand extends BaseCommand {

    private static final double CERTAINTY_TEMPERATURE = 1;
    private static final int MAX_N = 65535;

    @Parameters(arity = "0..1", paramLabel = "PROMPT", description = "the text to go on with")
    private String prompt;

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "Hugging Face folder of the model")
    private Path model;

    @Option(names = "--prompts", paramLabel = "FILE", description = "JSONL file of prompts, instead of one prompt")
    private Path prompts;

    @Option(names = "--output", paramLabel = "FILE",
            description = "write the lines to this file; interrupted, the same command goes on (with --prompts)")
    private Path output;

    @Option(names = "--n", paramLabel = "N", defaultValue = "1",
            description = "completions of each prompt (default: ${DEFAULT-VALUE})")
    private int n;

    @Option(names = "--best", description = "of the --n completions of a prompt only the one that wins a Borda vote by "
            + "self-certainty (arXiv 2502.18581)")
    private boolean best;

    @Option(names = "--answer-extraction", paramLabel = "HOW", defaultValue = "math",
            description = "where --best finds a completion's answer: stated, math, last_number (default: "
                    + "${DEFAULT-VALUE})")
    private AnswerExtraction answerExtraction;

    @Option(names = "--max-new-tokens", paramLabel = "N", defaultValue = "256",
            description = "longest completion in tokens (default: ${DEFAULT-VALUE})")
    private int maxNewTokens;

    @Option(names = "--greedy", description = "always take the most likely token; the same as --temperature 0")
    private boolean greedy;

    @Option(names = "--temperature", paramLabel = "X", defaultValue = "1",
            description = "divides the logits (default: ${DEFAULT-VALUE})")
    private double temperature;

    @Option(names = "--top-k", paramLabel = "K", defaultValue = "0",
            description = "sample from the K most likely tokens only; 0: from all (default: ${DEFAULT-VALUE})")
    private int topK;

    @Option(names = "--top-p", paramLabel = "P", defaultValue = "1",
            description = "sample from the most likely tokens that make up this probability (default: "
                    + "${DEFAULT-VALUE})")
    private double topP;

    @Option(names = "--min-p", paramLabel = "P", defaultValue = "0",
            description = "sample from tokens of at least this times the highest probability (default: "
                    + "${DEFAULT-VALUE})")
    private double minP;

    @Option(names = "--repetition-penalty", paramLabel = "X", defaultValue = "1",
            description = "above 1, tokens that are there already are less likely (default: ${DEFAULT-VALUE})")
    private double repetitionPenalty;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "42",
            description = "the same seed draws the same tokens (default: ${DEFAULT-VALUE})")
    private long seed;

    @Option(names = "--chat", description = "put the prompt into the model's chat template, as a user's message")
    private boolean chat;

    @Option(names = "--system", paramLabel = "TEXT", description = "system message before it (with --chat)")
    private String system;

    @Option(names = "--chat-template-date", paramLabel = "DATE",
            description = "date that a chat template writes, as 2024-07-26 (default: today)")
    private LocalDate date = LocalDate.now();

    @Option(names = "--stop-token", paramLabel = "TOKEN",
            description = "a token that ends the text, beside the model's own end tokens; may be given more than once")
    private List<String> stopTokens = List.of();

    @Option(names = "--stop", paramLabel = "TEXT",
            description = "a text that ends the completion, and is no part of it; may be given more than once")
    private List<String> stops = List.of();

    @Option(names = "--interactive", description = "a conversation with the model, in its chat template")
    private boolean interactive;

    @Option(names = "--lm-head", paramLabel = "HOW", defaultValue = "tiled",
            description = "how tokens are drawn: from logits in memory, tiled, or by the fused LM head without, and "
                    + "without filters and penalty (bfloat16 on a GPU of compute capability 9.0) (default: "
                    + "${DEFAULT-VALUE})")
    private HeadForward.Kind lmHead;

    @Mixin
    private GenerationDeviceOptions deviceOptions;

    @Override
    public Integer call() {
        requireConsistentOptions();
        List<Prompt> asked = interactive ? List.of() : asked();
        try (LoadedModel loaded = LoadedModel.forGeneration(model, deviceOptions);
                Rollout rollout = new Rollout(loaded.device(), loaded.transformer(), lmHead,
                        deviceOptions.cacheBytes(loaded))) {
            PromptEncoder encoder = encoder(loaded);
            List<int[]> tokens = asked.stream().map(p -> tokens(p, encoder, loaded.config())).toList();
            Decoding decoding = decoding(loaded, encoder);
            if (interactive) {
                new ChatLoop(rollout, decoding, stops, encoder, loaded.tokenizer(), loaded.config().maxPositions())
                        .run(new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)), out(),
                                err());
            } else if (prompts != null) {
                bulk(new BulkGeneration(rollout, loaded.tokenizer(), decoding, stops, asked, tokens, n,
                        best ? answerExtraction : null), decoding, loaded);
            } else if (n == 1) {
                StreamedText text = new StreamedText(loaded.tokenizer().stream(), stops, out());
                generate(rollout, tokens, decoding, text);
                text.finish();
                out().println();
            } else {
                StopText stopText = new StopText(new StopStrings(loaded.tokenizer(), stops));
                printAll(generate(rollout, tokens, decoding, stopText).getFirst(), stopText);
            }
            return CommandLine.ExitCode.OK;
        }
    }

    private void requireConsistentOptions() {
        if (prompt != null && prompts != null) {
            throw new UserError("a prompt and --prompts: give one of them");
        }
        if (interactive && (prompt != null || prompts != null || n != 1 || best)) {
            throw new UserError("--interactive: takes no prompt, no --prompts, no --n and no --best");
        }
        if (output != null && prompts == null) {
            throw new UserError("--output: needs --prompts");
        }
        if (n < 1 || n > MAX_N) {
            throw new UserError("--n: expected 1 to " + MAX_N + ", found " + n);
        }
        if (maxNewTokens < 1) {
            throw new UserError("--max-new-tokens: expected at least 1, found " + maxNewTokens);
        }
        if (output != null) {
            BulkGeneration.requireNew(output); // before minutes of reading weights
        }
        if (best && n < 2) {
            throw new UserError("--best: chooses among several completions; give --n");
        }
        requireUse("--answer-extraction", best, "--best");
        requireUse("--system", usesChat(), "--chat or --interactive");
        requireUse("--chat-template-date", usesChat(), "--chat or --interactive");
        if (stops.contains("")) {
            throw new UserError("--stop: an empty text would end everything");
        }
        requireConsistentSampling();
    }

    private boolean usesChat() {
        return chat || interactive;
    }

    private void requireConsistentSampling() {
        if (lmHead == HeadForward.Kind.FUSED && (Sampling.isFiltered(topK, topP, minP) || repetitionPenalty != 1)) {
            throw new UserError("--lm-head fused: --top-k, --top-p, --min-p and --repetition-penalty need logits in "
                    + "memory; leave them out, or give --lm-head tiled");
        }
        if (!(temperature >= 0)) {
            throw new UserError("--temperature: expected at least 0, found " + temperature);
        }
        if (greedy && temperature != 0 && isGiven("--temperature")) {
            throw new UserError("--greedy and --temperature " + temperature + ": give one of them");
        }
        if (greedy || temperature == 0) {
            new TokenFilters(topK, topP, minP).requireNone();
            if (best) {
                throw new UserError("--best: give a --temperature above 0; greedy completions are all the same");
            }
        }
    }

    private void bulk(BulkGeneration generation, Decoding decoding, LoadedModel loaded) {
        if (output == null) {
            generation.print(out()::println);
            return;
        }
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("model_sha256", Digests.ofModel(model));
        settings.put("n", n);
        settings.put("best", best ? answerExtraction.toString() : null);
        settings.put("max_new_tokens", maxNewTokens);
        settings.put("temperature", decoding.sampling().temperature());
        settings.put("top_k", topK);
        settings.put("top_p", topP);
        settings.put("min_p", minP);
        settings.put("repetition_penalty", repetitionPenalty);
        settings.put("seed", seed);
        settings.put("chat", chat);
        settings.put("system", system);
        settings.put("chat_template_date", chat ? date.toString() : null);
        settings.put("stop_tokens", stopTokens);
        settings.put("stop_strings", stops);
        settings.put("kernels", loaded.device().info().arithmetic());
        settings.put("dtype", loaded.dtype().toString());
        if (loaded.device().info().isGpu()) { // completions together decide the kernels, and those the bits
            settings.put("kv_cache_mib", deviceOptions.cacheBytes(loaded) >> 20);
        }
        if (lmHead != HeadForward.Kind.TILED) { // not before there was a choice
            settings.put("lm_head", lmHead.toString());
        }
        generation.write(output, settings, ProgressLine.onStandardError());
    }

    private List<Prompt> asked() {
        if (prompts != null) {
            return PromptSet.readPrompts(prompts);
        }
        if (prompt != null) {
            return List.of(Prompt.of(prompt, null));
        }
        if (System.console() != null && System.console().isTerminal()) {
            err().println("the prompt, ended by Ctrl-D:");
        }
        try {
            return List.of(Prompt.of(new String(System.in.readAllBytes(), StandardCharsets.UTF_8).stripTrailing(),
                    null));
        } catch (IOException e) {
            throw new UserError("cannot read the prompt from standard input: " + e.getMessage(), e);
        }
    }

    private PromptEncoder encoder(LoadedModel loaded) {
        String flag = interactive ? "--interactive: " : "--chat: ";
        ChatTemplate template = !usesChat() ? null : ChatTemplate.load(model).orElseThrow(
                () -> new UserError(flag + model + " has no chat template in its tokenizer_config.json"));
        return new PromptEncoder(loaded.tokenizer(), template, system, date);
    }

    private int[] tokens(Prompt asked, PromptEncoder encoder, ModelConfig config) {
        int[] ids = encoder.encode(asked.messages());
        if (ids.length == 0) {
            throw new UserError("the prompt is empty: give it as an argument or on standard input");
        }
        if (ids.length + maxNewTokens > config.maxPositions()) {
            throw new UserError("a prompt of " + ids.length + " tokens and " + maxNewTokens
                    + " new ones are more than this model's " + config.maxPositions() + "; lower --max-new-tokens");
        }
        return ids;
    }

    private Decoding decoding(LoadedModel loaded, PromptEncoder encoder) {
        int vocabulary = loaded.tokenizer().vocabSize();
        try {
            return new Decoding(new Sampling(greedy ? 0 : temperature, topK, topP, minP, vocabulary, seed),
                    maxNewTokens, StopTokens.of(loaded.config(), loaded.tokenizer(), encoder, stopTokens),
                    CERTAINTY_TEMPERATURE, repetitionPenalty, new StopStrings(loaded.tokenizer(), stops));
        } catch (IllegalArgumentException e) {
            throw new UserError(e.getMessage(), e);
        }
    }

    private List<Group> generate(Rollout rollout, List<int[]> tokens, Decoding decoding, TokenListener listener) {
        return rollout.generate(tokens, n, decoding, 0, () -> false, listener);
    }

    private void printAll(Group group, StopText stopText) {
        if (best) {
            List<String> texts = group.completions().stream().map(stopText::of).toList();
            BestOfN chosen = BestOfN.of(group, texts, answerExtraction);
            out().println(texts.get(chosen.completion().index()));
            err().printf("(completion %d of %d: self-certainty %.3f, %s)%n", chosen.completion().index() + 1, n,
                    SelfCertainty.of(chosen.completion()), chosen.agreeing() == 0 ? "no answer was found in any"
                            : chosen.agreeing() + " of " + n + " give this answer");
            return;
        }
        for (Completion c : group.completions()) {
            out().printf("--- %d of %d: %d tokens, self-certainty %.3f%n", c.index() + 1, n, c.length(),
                    SelfCertainty.of(c));
            out().println(stopText.of(c));
        }
    }
}
