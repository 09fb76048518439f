package intuitor.cli;

import intuitor.UserError;
import intuitor.checkpoint.AtomicFiles;
import intuitor.eval.alpaca.AlpacaOutputs;
import intuitor.eval.alpaca.AlpacaResult;
import intuitor.eval.alpaca.CostEstimate;
import intuitor.eval.alpaca.GamedBaselines;
import intuitor.eval.alpaca.Judgement;
import intuitor.eval.alpaca.JudgeSettings;
import intuitor.eval.alpaca.LengthControlledWinRate;
import intuitor.eval.alpaca.Pair;
import intuitor.eval.alpaca.PairwiseJudge;
import intuitor.eval.run.Estimate;
import intuitor.eval.run.EvaluationFolder;
import intuitor.eval.run.Result;
import intuitor.eval.task.AlpacaEval;
import intuitor.eval.task.DataFolder;
import intuitor.report.ProgressLine;
import intuitor.rollout.StopRequested;
import intuitor.train.StopSignal;
import java.io.PrintWriter;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Option;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** The judge of AlpacaEval: who it is, what it may cost, and its verdict. */
final class JudgeOptions {

    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(SerializationFeature.INDENT_OUTPUT).build();
    private static final int MAX_PARALLEL = 256;

    @Option(names = "--judge-url", paramLabel = "URL",
            description = "judge of alpaca_eval: an OpenAI-compatible address such as https://HOST/v1 (default: only "
                    + "the outputs are written)")
    private String url;

    @Option(names = "--judge-model", paramLabel = "NAME", defaultValue = "gpt-4-1106-preview",
            description = "the judge's name there (default: ${DEFAULT-VALUE}, AlpacaEval 2's)")
    private String model;

    @Option(names = "--judge-key-variable", paramLabel = "NAME", defaultValue = "OPENAI_API_KEY",
            description = "environment variable that holds the key (default: ${DEFAULT-VALUE})")
    private String keyVariable;

    @Option(names = "--judge-rpm", paramLabel = "N", defaultValue = "0",
            description = "requests a minute at most (default: no limit)")
    private double requestsPerMinute;

    @Option(names = "--judge-parallel", paramLabel = "N", defaultValue = "4",
            description = "requests at once (default: ${DEFAULT-VALUE})")
    private int parallel;

    @Option(names = "--judge-attempts", paramLabel = "N", defaultValue = "6",
            description = "tries of a request, with growing pauses (default: ${DEFAULT-VALUE})")
    private int attempts;

    @Option(names = "--judge-price", paramLabel = "IN,OUT", split = ",", defaultValue = "10,30",
            description = "US dollars for a million tokens read and written, for the estimate (default: "
                    + "${DEFAULT-VALUE}; check yours)")
    private List<Double> price;

    @Option(names = "--judge-max-cost", paramLabel = "X",
            description = "start only if the estimate is at most so many US dollars")
    private Double maxCost;

    /** Whether there is a judge; without one, the other options do nothing. */
    boolean isUsed() {
        return url != null;
    }

    void check(List<String> tasks) {
        if (!isUsed()) {
            return;
        }
        if (!tasks.contains(AlpacaEval.NAME)) {
            throw new UserError("--judge-url: it judges alpaca_eval, which is not among the --tasks");
        }
        if (!isAddress(url.strip())) {
            throw new UserError("--judge-url: expected an address such as https://host/v1, found '" + url + "'");
        }
        if (parallel < 1 || parallel > MAX_PARALLEL) {
            throw new UserError("--judge-parallel: expected 1 to " + MAX_PARALLEL + ", found " + parallel);
        }
        if (attempts < 1) {
            throw new UserError("--judge-attempts: expected at least 1, found " + attempts);
        }
        if (price.size() != 2 || !price.stream().allMatch(p -> p >= 0)) {
            throw new UserError("--judge-price: expected two prices, as in 10,30");
        }
        if (!(requestsPerMinute >= 0)) {
            throw new UserError("--judge-rpm: expected at least 0, found " + requestsPerMinute);
        }
        if (maxCost != null && !(maxCost >= 0)) {
            throw new UserError("--judge-max-cost: expected at least 0, found " + maxCost);
        }
        key(System.getenv(keyVariable), keyVariable);
    }

    private static boolean isAddress(String text) {
        try {
            return text.matches("https?://[^/]+.*") && new URI(text).getHost() != null;
        } catch (URISyntaxException e) {
            return false;
        }
    }

    /** The key without white space around it; null if there is none. Its value is in no message. */
    static String key(String value, String variable) {
        if (value == null || value.isBlank()) {
            return null;
        }
        String key = value.strip();
        if (!key.matches("[\\x21-\\x7e]+")) {
            throw new UserError("the key in the environment variable " + variable + " has a space, a line break or "
                    + "another character that no key has");
        }
        return key;
    }

    /**
     * Writes the outputs, and has them judged where there is a judge; null where there is none, or the task was not
     * asked for.
     *
     * @param limit the first so many instructions
     */
    AlpacaResult judge(EvaluationFolder folder, DataFolder data, List<String> tasks, int limit, String generator,
                       PrintWriter err, ProgressLine progress, StopSignal stop) {
        if (!tasks.contains(AlpacaEval.NAME)) {
            return null;
        }
        List<Result> results = EvaluationFolder.read(folder.path(), AlpacaEval.NAME).stream()
                .filter(r -> Integer.parseInt(r.id()) < limit).toList();
        AlpacaOutputs.write(folder.file(AlpacaEval.NAME, "outputs.json"), results, AlpacaEval.instructions(data),
                generator);
        if (url == null) {
            return null;
        }
        List<Pair> pairs = AlpacaOutputs.pairs(results, AlpacaEval.instructions(data), AlpacaEval.baseline(data));
        JudgeSettings settings = new JudgeSettings(url.strip(), model, key(System.getenv(keyVariable), keyVariable),
                requestsPerMinute, parallel, attempts, price.get(0), price.get(1));
        PairwiseJudge judge = new PairwiseJudge(settings, folder.file(AlpacaEval.NAME, "judgements.jsonl"));
        CostEstimate cost = CostEstimate.of(judge.unjudged(pairs), settings);
        err.println("judge " + settings + ": " + cost);
        err.flush();
        if (maxCost != null && cost.dollars() > maxCost) {
            throw new UserError(String.format(Locale.ROOT, "--judge-max-cost: the judge would cost about $%.2f, more "
                    + "than $%.2f", cost.dollars(), maxCost));
        }
        List<Judgement> judgements = judge.judge(pairs, stop,
                done -> progress.update("judged " + done + " of " + pairs.size(), done % 100 == 0));
        StopRequested.poll(stop);
        progress.end();
        AlpacaResult result = result(judgements, data);
        AtomicFiles.writeString(folder.file(AlpacaEval.NAME, "win-rate.json"), JSON.writeValueAsString(result) + "\n");
        return result;
    }

    private AlpacaResult result(List<Judgement> judgements, DataFolder data) {
        List<Judgement> judged = judgements.stream().filter(j -> j.preference() != null).toList();
        if (judged.isEmpty()) {
            throw new UserError("the judge " + model + " named neither of the two models once; is it up to it?");
        }
        GamedBaselines gamed = AlpacaEval.gamedBaselines(data).map(GamedBaselines::read).orElse(null);
        return new AlpacaResult(Estimate.of(judged.stream().mapToDouble(Judgement::preference).toArray()),
                LengthControlledWinRate.of(judgements, gamed), judged.size(), judgements.size() - judged.size());
    }
}
