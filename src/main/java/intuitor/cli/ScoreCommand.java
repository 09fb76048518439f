package intuitor.cli;

import intuitor.UserError;
import intuitor.checkpoint.AtomicFiles;
import intuitor.device.Arena;
import intuitor.device.HeadForward;
import intuitor.device.Tensor;
import intuitor.model.LmHead;
import intuitor.model.PackedBatch;
import intuitor.model.TokenStats;
import intuitor.reward.SelfCertainty;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

/** {@code intuitor score}: what a model says about given completions, token by token. */
@Command(
        name = "score",
        description = {
            "Scores completions: log-probability, self-certainty and entropy of every completion token.",
            "",
            "A line of the input is a prompt and a completion, as token ids or as text:",
            "  {\"prompt_ids\": [9707, 11], \"completion_ids\": [1879, 0]}",
            "  {\"prompt\": \"12 + 7 =\", \"completion\": \" 19\"}",
            "The line of the same number in the output has one number for each completion token, in nats:",
            "  {\"logprobs\": [...], \"self_certainty\": [...], \"entropy\": [...], \"mean_self_certainty\": x}",
            "and, where the input is text, the completion_ids that it was read as.",
            "",
            "Self-certainty of a token is KL(uniform || p) of the distribution p that it is drawn from, over the full "
                    + "width of the LM head: logsumexp(z) - mean(z) - log V."
        },
        footer = {
            "",
            "Example:",
            "  intuitor score --model models/arithmetic-1m --input completions.jsonl --output scores.jsonl",
            "",
            "The output appears when all of it is there; an error leaves an older file of that name as it was."
        })
final class ScoreCommand extends BaseCommand {

    private static final JsonMapper JSON = new JsonMapper();

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "Hugging Face folder of the model")
    private Path model;

    @Option(names = "--input", required = true, paramLabel = "FILE", description = "JSONL: prompts and completions")
    private Path input;

    @Option(names = "--output", required = true, paramLabel = "FILE", description = "JSONL: their scores")
    private Path output;

    @Option(names = "--temperature", paramLabel = "X", defaultValue = "1",
            description = "divides the logits for log-probabilities and entropy (default: ${DEFAULT-VALUE})")
    private double temperature;

    @Option(names = "--certainty-temperature", paramLabel = "X", defaultValue = "1",
            description = "divides the logits for self-certainty (default: ${DEFAULT-VALUE})")
    private double certaintyTemperature;

    @Option(names = "--batch-tokens", paramLabel = "N", defaultValue = "4096",
            description = "tokens computed at once, of several lines together (default: ${DEFAULT-VALUE})")
    private int batchTokens;

    @Option(names = "--lm-head", paramLabel = "HOW", defaultValue = "tiled",
            description = "how the LM head is computed: tiled, or fused into one kernel (bfloat16 on a GPU of compute "
                    + "capability 9.0) (default: ${DEFAULT-VALUE})")
    private HeadForward.Kind lmHead;

    @Mixin
    private DeviceOptions deviceOptions;

    @Override
    public Integer call() {
        requirePositive("--temperature", temperature);
        requirePositive("--certainty-temperature", certaintyTemperature);
        requirePositive("--batch-tokens", batchTokens);
        try (BufferedReader lines = open(input); LoadedModel loaded = LoadedModel.forScoring(model, deviceOptions)) {
            int[] scored = new int[1];
            AtomicFiles.write(output, channel -> {
                OutputStream out = Channels.newOutputStream(channel);
                scored[0] = scoreAll(lines, loaded, out);
                out.flush();
            });
            err().println("completions scored: " + scored[0] + ", in " + output);
            return CommandLine.ExitCode.OK;
        } catch (IOException e) {
            throw UserError.of("cannot read " + input, e);
        }
    }

    private int scoreAll(BufferedReader lines, LoadedModel loaded, OutputStream out) throws IOException {
        LmHead head = new LmHead(loaded.device(), loaded.transformer().weights(), lmHead);
        List<ScoreRequest> batch = new ArrayList<>();
        int tokens = 0;
        int number = 0;
        int scored = 0;
        for (String line = read(lines, 1); line != null; line = read(lines, number + 1)) {
            number++;
            if (line.isBlank()) {
                continue;
            }
            ScoreRequest request = ScoreRequest.parse(line, input + ":" + number, loaded.config(), loaded::tokenizer);
            if (!batch.isEmpty() && tokens + request.tokens() > batchTokens) {
                scoreBatch(batch, loaded, head, out);
                batch.clear();
                tokens = 0;
            }
            batch.add(request);
            tokens += request.tokens();
            scored++;
        }
        if (!batch.isEmpty()) {
            scoreBatch(batch, loaded, head, out);
        }
        if (scored == 0) {
            throw new UserError(input + ": holds nothing to score; give a line for each prompt and completion");
        }
        return scored;
    }

    private void scoreBatch(List<ScoreRequest> batch, LoadedModel loaded, LmHead head, OutputStream out)
            throws IOException {
        PackedBatch packed = pack(batch);
        TokenStats stats = TokenStats.of(packed.scored());
        try (Arena scratch = loaded.device().arena("score")) {
            Tensor hidden = loaded.transformer().forward(packed, scratch);
            head.score(hidden, packed.scoredRows(), packed.targets(), temperature, certaintyTemperature, stats,
                    scratch);
        }
        for (int i = 0; i < batch.size(); i++) {
            int from = packed.completionOffsets()[i];
            int to = packed.completionOffsets()[i + 1];
            float[] certainty = Arrays.copyOfRange(stats.selfCertainty(), from, to);
            Map<String, Object> line = new LinkedHashMap<>();
            if (batch.get(i).fromText()) {
                line.put("completion_ids", batch.get(i).completion());
            }
            line.put("logprobs", Arrays.copyOfRange(stats.logprob(), from, to));
            line.put("self_certainty", certainty);
            line.put("entropy", Arrays.copyOfRange(stats.entropy(), from, to));
            line.put("mean_self_certainty", SelfCertainty.mean(certainty));
            out.write((JSON.writeValueAsString(line) + "\n").getBytes(StandardCharsets.UTF_8));
        }
    }

    /** Neighbouring lines with the same prompt share its rows. */
    private static PackedBatch pack(List<ScoreRequest> batch) {
        PackedBatch.Builder builder = PackedBatch.builder();
        for (int i = 0; i < batch.size();) {
            int[] prompt = batch.get(i).prompt();
            List<int[]> completions = new ArrayList<>();
            while (i < batch.size() && Arrays.equals(batch.get(i).prompt(), prompt)) {
                completions.add(batch.get(i++).completion());
            }
            builder.group(prompt, completions);
        }
        return builder.build();
    }

    private static BufferedReader open(Path file) throws IOException {
        try {
            return Files.newBufferedReader(file);
        } catch (NoSuchFileException e) {
            throw new UserError(file + ": no such file", e);
        }
    }

    private String read(BufferedReader lines, int number) throws IOException {
        try {
            return lines.readLine();
        } catch (MalformedInputException e) {
            throw new UserError(input + ": not UTF-8 from about line " + number + " on", e);
        }
    }

    private static void requirePositive(String option, double value) {
        if (!((float) value > 0) || Float.isInfinite((float) value)) { // the kernels compute in single precision
            throw new UserError(option + ": expected a number above 0, found " + value);
        }
    }
}
