package intuitor.cli;

import intuitor.UserError;
import intuitor.recipe.Recipe;
import intuitor.report.Durations;
import intuitor.text.ChatTemplate;
import intuitor.train.GrpoConfig;
import intuitor.train.GrpoRun;
import intuitor.train.RunResult.End;
import intuitor.train.RunResult;
import intuitor.train.TrainPlan;
import java.nio.file.Path;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code intuitor train}: GRPO with self-certainty as the reward. */
@Command(
        name = "train",
        modelTransformer = TrainCommand.Flags.class,
        description = {
            "Trains a model on prompts without answers: it answers each prompt several times, and is rewarded for the "
                    + "answers that it is more certain of (Intuitor: GRPO with self-certainty as the reward).",
            "",
            "Without a recipe, --model and --data, the small model that comes along is trained: recipes/demo.yaml.",
            "Every setting is a key of the recipe and a flag; flags win over the recipe."
        },
        footer = {
            "",
            "Written to runs/NAME:",
            "  config.yaml      all settings of the run           metrics.jsonl   a line a step, under TRL's names",
            "  completions/     what the model wrote, scored      checkpoint-N/   to go on from, and to use",
            "  final/           the trained model                 summary.json    accuracy before and after",
            "",
            "Examples:",
            "  intuitor train                                       the demo",
            "  intuitor train --learning-rate 3e-5 --seed 7         the demo with other settings",
            "  intuitor train recipes/demo.yaml --max-steps 20",
            "  intuitor train --model Qwen2.5-1.5B --data prompts.jsonl --max-steps 50",
            "  intuitor train recipes/qwen2.5-3b-intuitor.yaml --dry-run     what it would do, and the memory it takes",
            "  intuitor train --resume runs/run-1                   go on with a run that was stopped (Ctrl-C is safe)",
            "",
            "Exit status: 0 done, 1 a fault of the program, 2 an error in what was given, 3 stopped by the monitor",
            "(--on-hacking stop), 130 or 143 stopped by a signal. After the last three a checkpoint is there."
        })
final class TrainCommand extends BaseCommand {

    /** Exit status of a run that the monitor stopped. */
    static final int HACKING = 3;

    /** A flag for every key. */
    static final class Flags extends RecipeFlags {
        Flags() {
            super(GrpoConfig.class);
        }
    }

    @Parameters(arity = "0..1", paramLabel = "RECIPE", description = "YAML file of settings")
    private Path recipe;

    @Option(names = "--resume", paramLabel = "RUN", description = "go on with this run folder, with its own settings")
    private Path resume;

    @Option(names = "--dry-run", description = "print what the run would do: data, steps, tokens, memory, files; needs "
            + "no weights and writes nothing")
    private boolean dryRun;

    @Override
    public Integer call() throws Exception {
        Map<String, String> flags = RecipeFlags.given(GrpoConfig.class, spec().commandLine().getParseResult());
        if (resume != null && (recipe != null || !flags.isEmpty())) {
            throw new UserError("--resume: a run goes on with its own settings; leave out "
                    + (recipe != null ? recipe : "--" + flags.keySet().iterator().next().replace('_', '-')));
        }
        if (dryRun) {
            if (resume != null) {
                throw new UserError("--dry-run: it plans a new run; leave out --resume");
            }
            out().print(TrainPlan.of(settings(flags)));
            return CommandLine.ExitCode.OK;
        }
        return stoppable((progress, stop) -> {
            RunResult result = resume != null ? GrpoRun.resume(resume, progress, stop)
                    : GrpoRun.start(settings(flags), progress, stop);
            report(result);
            return result.end() == End.HACKING ? HACKING : CommandLine.ExitCode.OK;
        });
    }

    private GrpoConfig settings(Map<String, String> flags) {
        boolean demo = recipe == null && !flags.containsKey("model") && !flags.containsKey("data");
        return demo ? Demo.settings(flags) : Recipe.read(GrpoConfig.class, recipe, flags);
    }

    private void report(RunResult result) {
        if (!result.finished()) {
            String by = result.end() == End.HACKING ? "stopped by the monitor" : "stopped";
            err().println(by + " after step " + result.step() + " of " + result.totalSteps());
            err().println("go on: " + Program.command() + " train --resume " + result.folder());
            return;
        }
        if (!result.table().isEmpty()) {
            out().println();
            out().print(result.table());
            out().println();
        }
        err().println("trained for " + Durations.text(result.seconds()) + ": " + result.folder());
        Path model = result.folder().resolve("final");
        err().println("try it: " + Program.command() + " generate --model " + model
                + (ChatTemplate.load(model).isPresent() ? " --chat" : "") + " \"a question\"");
    }
}
