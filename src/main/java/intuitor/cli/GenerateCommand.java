package intuitor.cli;

import intuitor.UserError;
import intuitor.data.Prompt;
import intuitor.data.PromptSet;
import intuitor.device.Sampling;
import intuitor.model.ModelConfig;
import intuitor.reward.SelfCertainty;
import intuitor.rollout.Completion;
import intuitor.rollout.Decoding;
import intuitor.rollout.Group;
import intuitor.rollout.Rollout;
import intuitor.rollout.StopTokens;
import intuitor.rollout.TokenListener;
import intuitor.text.ChatTemplate;
import intuitor.text.PromptEncoder;
import intuitor.text.StreamDecoder;
import java.io.IOException;
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
import tools.jackson.databind.json.JsonMapper;

/** {@code intuitor generate}: a prompt in, text out, token by token. */
@Command(
        name = "generate",
        description = {
            "Completes a prompt and prints the text as it comes. The prompt is the argument, or else standard input.",
            "",
            "With --prompts FILE (JSONL, {\"prompt\": \"...\"} a line) all prompts are completed together, and a line",
            "  {\"prompt\": ..., \"completion\": ..., \"tokens\": n, \"stopped\": ..., \"self_certainty\": x}",
            "is printed for each completion."
        },
        footer = {
            "",
            "Examples:",
            "  intuitor generate --model models/arithmetic-1m $'Question: What is 12 + 7?\\nAnswer:'",
            "  intuitor generate --model Qwen2.5-1.5B-Instruct --chat --greedy \"What is self-certainty?\"",
            "  echo \"Once upon a time\" | intuitor generate --model runs/demo/final --n 4 --seed 1"
        })
final class GenerateCommand extends BaseCommand {

    private static final JsonMapper JSON = new JsonMapper();
    private static final long CACHE_BYTES = 2L << 30;
    private static final double CERTAINTY_TEMPERATURE = 1;
    private static final int MAX_N = 65535;

    @Parameters(arity = "0..1", paramLabel = "PROMPT", description = "the text to go on with")
    private String prompt;

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "Hugging Face folder of the model")
    private Path model;

    @Option(names = "--prompts", paramLabel = "FILE", description = "JSONL file of prompts, instead of one prompt")
    private Path prompts;

    @Option(names = "--n", paramLabel = "N", defaultValue = "1",
            description = "completions of each prompt (default: ${DEFAULT-VALUE})")
    private int n;

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

    @Option(names = "--seed", paramLabel = "N", defaultValue = "42",
            description = "the same seed draws the same tokens (default: ${DEFAULT-VALUE})")
    private long seed;

    @Option(names = "--chat", description = "put the prompt into the model's chat template, as a user's message")
    private boolean chat;

    @Option(names = "--system", paramLabel = "TEXT", description = "system message before it (with --chat)")
    private String system;

    @Option(names = "--stop-token", paramLabel = "TOKEN",
            description = "a token that ends the text, beside the model's own end tokens; may be given more than once")
    private List<String> stopTokens = List.of();

    @Mixin
    private DeviceOptions deviceOptions;

    @Override
    public Integer call() {
        if (prompt != null && prompts != null) {
            throw new UserError("a prompt and --prompts: give one of them");
        }
        if (n < 1 || n > MAX_N) {
            throw new UserError("--n: expected 1 to " + MAX_N + ", found " + n);
        }
        if (system != null && !chat) {
            throw new UserError("--system: needs --chat");
        }
        List<Prompt> asked = asked();
        try (LoadedModel loaded = LoadedModel.forGeneration(model, deviceOptions);
                Rollout rollout = new Rollout(loaded.device(), loaded.transformer(), CACHE_BYTES)) {
            PromptEncoder encoder = encoder(loaded);
            List<int[]> tokens = asked.stream().map(p -> tokens(p, encoder, loaded.config())).toList();
            Decoding decoding = decoding(loaded, encoder);
            if (prompts != null) {
                printLines(asked, generate(rollout, tokens, decoding, TokenListener.NONE), loaded);
            } else if (n == 1) {
                stream(rollout, tokens, decoding, loaded);
            } else {
                printAll(generate(rollout, tokens, decoding, TokenListener.NONE).getFirst(), loaded);
            }
            return CommandLine.ExitCode.OK;
        }
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
        ChatTemplate template = !chat ? null : ChatTemplate.load(model).orElseThrow(() -> new UserError(
                "--chat: " + model + " has no chat template in its tokenizer_config.json"));
        return new PromptEncoder(loaded.tokenizer(), template, system, LocalDate.now());
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
                    CERTAINTY_TEMPERATURE);
        } catch (IllegalArgumentException e) {
            throw new UserError(e.getMessage(), e);
        }
    }

    private List<Group> generate(Rollout rollout, List<int[]> tokens, Decoding decoding, TokenListener listener) {
        return rollout.generate(tokens, n, decoding, 0, () -> false, listener);
    }

    private void stream(Rollout rollout, List<int[]> tokens, Decoding decoding, LoadedModel loaded) {
        StreamDecoder decoder = loaded.tokenizer().stream();
        generate(rollout, tokens, decoding, (p, index, token) -> {
            out().print(decoder.next(token));
            out().flush();
        });
        out().println(decoder.finish());
    }

    private void printAll(Group group, LoadedModel loaded) {
        for (Completion c : group.completions()) {
            out().printf("--- %d of %d: %d tokens, self-certainty %.3f%n", c.index() + 1, n, c.length(),
                    SelfCertainty.of(c));
            out().println(loaded.tokenizer().decode(c.tokens()));
        }
    }

    private void printLines(List<Prompt> asked, List<Group> groups, LoadedModel loaded) {
        for (int i = 0; i < groups.size(); i++) {
            for (Completion c : groups.get(i).completions()) {
                Map<String, Object> line = new LinkedHashMap<>();
                line.put("prompt", asked.get(i).text());
                line.put("completion", loaded.tokenizer().decode(c.tokens()));
                line.put("tokens", c.length());
                line.put("stopped", c.stopped());
                line.put("self_certainty", SelfCertainty.of(c));
                out().println(JSON.writeValueAsString(line));
            }
        }
    }
}
