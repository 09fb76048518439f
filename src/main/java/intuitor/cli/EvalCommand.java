package intuitor.cli;

import intuitor.UserError;
import intuitor.checkpoint.Digests;
import intuitor.eval.alpaca.AlpacaResult;
import intuitor.eval.run.Drawing;
import intuitor.eval.run.EvaluatedModel;
import intuitor.eval.run.Evaluation;
import intuitor.eval.run.EvaluationFolder;
import intuitor.eval.run.Evaluator;
import intuitor.eval.run.PaperResults;
import intuitor.eval.run.Summary;
import intuitor.eval.sandbox.Limits;
import intuitor.eval.sandbox.PythonSandbox;
import intuitor.eval.task.DataFolder;
import intuitor.eval.task.Task;
import intuitor.eval.task.Tasks;
import intuitor.report.ProgressLine;
import intuitor.rollout.Rollout;
import intuitor.rollout.StopRequested;
import intuitor.text.ChatTemplate;
import intuitor.text.PromptEncoder;
import intuitor.train.StopSignal;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;

/** {@code intuitor eval}: the paper's benchmarks. */
@Command(
        name = "eval",
        description = {
            "Measures a model on the paper's benchmarks: gsm8k, math500, livecodebench, cruxeval, mmlu_pro, "
                    + "alpaca_eval (and cruxeval_input), with their published prompts and rules.",
            "",
            "--data DIR holds them in the folders and files of the hub (docs/evaluation.md lists them). Completions "
                    + "and verdicts are written to --output; the same command goes on where it was stopped."
        },
        footer = {
            "",
            "Examples:",
            "  intuitor eval --model runs/run-1/final --tasks gsm8k,math500 --data DIR",
            "  intuitor eval --model DIR --tasks gsm8k --data DIR --num-samples 8 --temperature 0.8",
            "  intuitor eval --model DIR --tasks alpaca_eval --data DIR --judge-url https://HOST/v1   "
                    + "(key: OPENAI_API_KEY)",
            "  intuitor eval --output runs/eval/run-1-final --show wrong       what it got wrong, and why"
        })
final class EvalCommand extends BaseCommand {

    private static final int MAX_SAMPLES = 65535;

    /** When prompts are put into the model's chat template. */
    enum ChatUse { AUTO, ALWAYS, NEVER }

    @Option(names = "--model", paramLabel = "DIR", description = "Hugging Face folder of the model")
    private Path model;

    @Option(names = "--tasks", paramLabel = "LIST", split = ",", description = "benchmarks, with commas between them")
    private List<String> tasks = List.of();

    @Option(names = "--data", paramLabel = "DIR", description = "folder of the benchmarks' folders")
    private Path data;

    @Option(names = "--output", paramLabel = "DIR",
            description = "folder for the results (default: runs/eval/NAME of the model)")
    private Path output;

    @Option(names = "--limit", paramLabel = "N", description = "the first N problems of each task (default: all)")
    private Integer limit;

    @Option(names = "--num-samples", paramLabel = "N", defaultValue = "1",
            description = "completions of each problem: pass@k, maj@N, and the best of N by self-certainty (default: "
                    + "${DEFAULT-VALUE})")
    private int numSamples;

    @Option(names = "--temperature", paramLabel = "X", defaultValue = "0",
            description = "divides the logits; 0: greedy, as in the protocols (default: ${DEFAULT-VALUE})")
    private double temperature;

    @Option(names = "--top-k", paramLabel = "K", defaultValue = "0",
            description = "sample from the K most likely tokens only (0: all)")
    private int topK;

    @Option(names = "--top-p", paramLabel = "P", defaultValue = "1",
            description = "sample from the most likely tokens that make up this probability (default: "
                    + "${DEFAULT-VALUE})")
    private double topP;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "42",
            description = "seed of the sampling (default: ${DEFAULT-VALUE})")
    private long seed;

    @Option(names = "--max-new-tokens", paramLabel = "N", defaultValue = "3072",
            description = "longest completion in tokens; a task's own limit may be lower (default: ${DEFAULT-VALUE}, "
                    + "the longest that the paper trained with)")
    private int maxNewTokens;

    @Option(names = "--batch-size", paramLabel = "N", defaultValue = "128",
            description = "completions generated together (default: ${DEFAULT-VALUE})")
    private int batchSize;

    @Option(names = "--chat-template", paramLabel = "WHEN", defaultValue = "auto",
            description = "auto (where the model has one), always or never; mmlu_pro never uses it (default: "
                    + "${DEFAULT-VALUE})")
    private String chatTemplate;

    @Option(names = "--system", paramLabel = "TEXT", description = "system message, where the chat template is used")
    private String system;

    @Option(names = "--chat-template-date", paramLabel = "DATE",
            description = "date that a chat template writes, as 2024-07-26 (default: ${DEFAULT-VALUE}, so that results "
                    + "reproduce)",
            defaultValue = "2024-07-26")
    private String date;

    @Option(names = "--unsafe-no-sandbox",
            description = "run the model's programs without a sandbox, with all that this user may do")
    private boolean unsafe;

    @Option(names = "--paper", paramLabel = "MODEL",
            description = "the paper's model to show beside the results, such as Qwen2.5-3B (default: the one of this "
                    + "size)")
    private String paper;

    @Option(names = "--show", paramLabel = "WHICH",
            description = "print results that are there: wrong, right or all; evaluates nothing")
    private String show;

    @Mixin
    private JudgeOptions judgeOptions;

    @Mixin
    private GenerationDeviceOptions deviceOptions;

    @Override
    public Integer call() throws Exception {
        check();
        if (show != null) {
            new EvalBrowser(out(), show, problems()).show(outputFolder(), tasks);
            return CommandLine.ExitCode.OK;
        }
        return stoppable((progress, stop) -> {
            try {
                evaluate(progress, stop);
            } catch (StopRequested e) {
                progress.end();
                err().println("stopped: the same command goes on (" + outputFolder() + ")");
            }
            return CommandLine.ExitCode.OK;
        });
    }

    private void check() {
        tasks = Tasks.requireNames(tasks, "--tasks");
        if (show != null) {
            if (!EvalBrowser.CHOICES.contains(show)) {
                throw new UserError("--show: expected " + String.join(", ", EvalBrowser.CHOICES) + ", found '" + show
                        + "'");
            }
            if (output == null && model == null) {
                throw new UserError("--show: give --output, the folder of the results");
            }
            return;
        }
        require(model != null, "--model is missing: the folder of the model to evaluate");
        require(!tasks.isEmpty(), "--tasks is missing: one or more of " + String.join(",", Tasks.NAMES));
        require(data != null, "--data is missing: the folder that holds the benchmarks");
        require(limit == null || limit >= 1, "--limit: expected at least 1, found " + limit);
        require(numSamples >= 1 && numSamples <= MAX_SAMPLES,
                "--num-samples: expected 1 to " + MAX_SAMPLES + ", found " + numSamples);
        require(temperature == 0 || (float) temperature > 0 && Float.isFinite((float) temperature),
                "--temperature: expected 0 or more, found " + temperature);
        require(topK >= 0, "--top-k: expected 0 or more, found " + topK);
        require((float) topP > 0 && topP <= 1, "--top-p: expected more than 0 and at most 1, found " + topP);
        require(numSamples == 1 || temperature > 0, "--num-samples " + numSamples + ": give a --temperature above 0; "
                + "greedy samples are all the same");
        if (temperature == 0) {
            new TokenFilters(topK, topP, 0).requireNone();
        }
        require(batchSize >= 1, "--batch-size: expected at least 1, found " + batchSize);
        require(maxNewTokens >= 1, "--max-new-tokens: expected at least 1, found " + maxNewTokens);
        if (paper != null) {
            PaperResults.requireModel(paper);
        }
        chatUse();
        chatDate();
        spec().options().stream().map(OptionSpec::longestName).filter(option -> option.startsWith("--judge-"))
                .forEach(option -> requireUse(option, judgeOptions.isUsed(), "--judge-url"));
        judgeOptions.check(tasks);
    }

    /** Greatest number of problems of a task. */
    private int problems() {
        return limit == null ? Integer.MAX_VALUE : limit;
    }

    private static void require(boolean holds, String message) {
        if (!holds) {
            throw new UserError(message);
        }
    }

    private ChatUse chatUse() {
        try {
            return ChatUse.valueOf(chatTemplate.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            throw new UserError("--chat-template: expected auto, always or never, found '" + chatTemplate + "'", e);
        }
    }

    private LocalDate chatDate() {
        try {
            return LocalDate.parse(date);
        } catch (DateTimeException e) {
            throw new UserError("--chat-template-date: expected a date as 2024-07-26, found '" + date + "'", e);
        }
    }

    private Path outputFolder() {
        return output != null ? output : Path.of("runs", "eval", generator(model));
    }

    private void evaluate(ProgressLine progress, StopSignal stop) {
        PythonSandbox sandbox = tasks.stream().anyMatch(Tasks::needsSandbox) ? sandbox() : null;
        try (EvaluationFolder folder = EvaluationFolder.open(outputFolder())) {
            List<Task> chosen = Tasks.of(tasks, () -> sandbox);
            try (LoadedModel loaded = LoadedModel.forGeneration(model, deviceOptions);
                    Rollout rollout = new Rollout(loaded.device(), loaded.transformer(),
                            deviceOptions.cacheBytes(loaded));
                    Evaluator evaluator = new Evaluator(evaluated(loaded, rollout, chosen), drawing())) {
                Evaluation evaluation = new Evaluation(folder, settings(loaded), chosen, data, problems());
                List<Summary> summaries = evaluation.run(evaluator, stop, (task, done, of, e) -> progress.update(
                        String.format(Locale.ROOT, "%s  %d of %d completions, %.0f s generating, %.0f s judging", task,
                                done, of, e.times().generateSeconds(), e.times().judgeSeconds()), true));
                progress.end();
                AlpacaResult judged = judgeOptions.judge(folder, new DataFolder(data), tasks, problems(),
                        generator(model), err(), progress, stop);
                report(summaries, judged, loaded);
            }
        } finally {
            if (sandbox != null) {
                sandbox.close();
            }
        }
    }

    /** A model's name in AlpacaEval's files: its folder's; of those that every run has, with the run's before it. */
    static String generator(Path model) {
        Path folder = model.toAbsolutePath().normalize();
        String name = folder.getFileName().toString();
        Path run = folder.getParent().getFileName();
        return run != null && name.matches("final|checkpoint-\\d+") ? run + "-" + name : name;
    }

    private PythonSandbox sandbox() {
        if (unsafe) {
            err().println("warning: the model's programs run without a sandbox");
            return PythonSandbox.openUnsafe(Limits.CONTEST);
        }
        try {
            return PythonSandbox.open(Limits.CONTEST);
        } catch (UserError e) {
            throw new UserError(e.getMessage() + " (or run the model's programs unprotected: --unsafe-no-sandbox)", e);
        }
    }

    private Drawing drawing() {
        return new Drawing(numSamples, temperature, topK, topP, seed, maxNewTokens, batchSize);
    }

    private EvaluatedModel evaluated(LoadedModel loaded, Rollout rollout, List<Task> chosen) {
        ChatUse use = chatUse();
        Optional<ChatTemplate> template = use == ChatUse.NEVER ? Optional.empty() : ChatTemplate.load(model);
        if (template.isEmpty()) {
            requireNoChat(use == ChatUse.NEVER ? "needs a chat template"
                    : model + " has no chat template in its tokenizer_config.json");
        } else if (chosen.stream().noneMatch(task -> task.protocol().chat())) {
            requireNoChat("does nothing here: no chat template is used in " + String.join(", ", tasks));
        }
        PromptEncoder plain = new PromptEncoder(loaded.tokenizer(), null, null, chatDate());
        PromptEncoder chat = template.map(t -> new PromptEncoder(loaded.tokenizer(), t, system, chatDate()))
                .orElse(plain);
        return new EvaluatedModel(rollout, loaded.config(), loaded.tokenizer(), plain, chat);
    }

    /** Refuses what is there for the chat template alone. */
    private void requireNoChat(String why) {
        String option = chatUse() == ChatUse.ALWAYS ? "--chat-template always" : system != null ? "--system"
                : isGiven("--chat-template-date") ? "--chat-template-date" : null;
        if (option != null) {
            throw new UserError(option + ": " + why);
        }
    }

    /** All that the completions depend on, beside the data. */
    private Map<String, Object> settings(LoadedModel loaded) {
        Map<String, Object> s = new LinkedHashMap<>();
        s.put("model", model.toAbsolutePath().normalize().toString());
        s.put("model_sha256", Digests.ofModel(model));
        s.put("num_samples", numSamples);
        s.put("temperature", temperature);
        s.put("top_k", topK);
        s.put("top_p", topP);
        s.put("seed", seed);
        s.put("max_new_tokens", maxNewTokens);
        s.put("batch_size", batchSize);
        s.put("kv_cache_mib", deviceOptions.cacheBytes(loaded) >> 20);
        s.put("chat_template", chatUse().name().toLowerCase(Locale.ROOT));
        s.put("system", system);
        s.put("chat_template_date", date);
        s.put("device", loaded.device().info().kind());
        s.put("kernels", loaded.device().info().isa());
        s.put("dtype", loaded.dtype().toString());
        return s;
    }

    private void report(List<Summary> summaries, AlpacaResult judged, LoadedModel loaded) {
        Optional<String> beside = paper != null ? Optional.of(paper) : PaperResults.modelLike(loaded.config());
        out().print(EvalTable.of(summaries, judged, beside.orElse(null)));
        for (Summary s : summaries) {
            if (s.promptsCut() > 0) {
                err().println(s.task() + ": " + s.promptsCut() + " of " + s.problems()
                        + " prompts are too long for this model and lost their beginning");
            }
        }
        if (judged == null && summaries.stream().anyMatch(s -> s.measures().isEmpty())) {
            err().println("not judged: outputs.json has the answers; --judge-url names a judge");
        }
        err().println("results: " + outputFolder() + "; to read them: " + Program.command() + " eval --output "
                + outputFolder() + " --show wrong");
    }
}
