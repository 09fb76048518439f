package intuitor.cli;

import intuitor.device.Device;
import intuitor.recipe.Recipe;
import intuitor.report.Durations;
import intuitor.report.ProgressLine;
import intuitor.train.BaseModelMaker;
import intuitor.train.PretrainConfig;
import intuitor.train.Pretrainer;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code intuitor pretrain}: a small base model from nothing. */
@Command(
        name = "pretrain",
        modelTransformer = PretrainCommand.Flags.class,
        description = {
            "Makes a small base model from nothing: a byte-level BPE tokenizer, a Qwen2-architecture model trained on "
                    + "generated arithmetic whose worked solutions are mixed in quality, and the problems to train and "
                    + "evaluate it on.",
            "",
            "Every setting is a key of a YAML recipe and a flag; flags win over the recipe."
        },
        footer = {
            "",
            "Written to --output: config.json, model.safetensors, tokenizer.json (a Hugging Face folder),",
            "train_prompts.jsonl (no answers) and heldout.jsonl (with answers).",
            "",
            "Example:",
            "  intuitor pretrain --output my-base --seed 2 --max-steps 500"
        })
final class PretrainCommand extends BaseCommand {

    private static final int PLAIN_LINES = 20;

    /** A flag for every key. */
    static final class Flags extends RecipeFlags {
        Flags() {
            super(PretrainConfig.class);
        }
    }

    @Parameters(arity = "0..1", paramLabel = "RECIPE", description = "YAML file of settings")
    private Path recipe;

    @Override
    public Integer call() {
        PretrainConfig config = Recipe.read(PretrainConfig.class, recipe,
                RecipeFlags.given(PretrainConfig.class, spec().commandLine().getParseResult()));
        ProgressLine progress = ProgressLine.onStandardError();
        long start = System.nanoTime();
        progress.update("making the tokenizer", true);
        Pace pace = new Pace(config.maxSteps());
        try (Device device = Device.open(config.device(), config.threads(), config.cudaLibraries(),
                config.attention())) {
            new BaseModelMaker(config).make(device, step -> progress.update(pace.line(step),
                    step.step() % Math.max(1, config.maxSteps() / PLAIN_LINES) == 0));
        } finally {
            progress.end();
        }
        err().println("made " + config.output() + " in " + Durations.text(seconds(start)));
        err().println("next: " + Program.command() + " generate --model " + config.output() + " ...");
        return CommandLine.ExitCode.OK;
    }

    private static double seconds(long start) {
        return 1e-9 * (System.nanoTime() - start);
    }

    /**
     * The progress line; speed and time left are measured from the end of the first step, which warms everything up.
     */
    private static final class Pace {

        private final int steps;
        private Pretrainer.Step first;
        private long firstEnded;

        Pace(int steps) {
            this.steps = steps;
        }

        String line(Pretrainer.Step step) {
            String text = String.format(Locale.ROOT, "step %d/%d  loss %.4f  gradient norm %.2f", step.step(), steps,
                    step.loss(), step.gradNorm());
            if (first == null) {
                first = step;
                firstEnded = System.nanoTime();
                return text;
            }
            double seconds = seconds(firstEnded);
            double left = seconds / (step.step() - first.step()) * (steps - step.step());
            return text + String.format(Locale.ROOT, "  %.0f tokens/s  %s left",
                    (step.tokens() - first.tokens()) / seconds, Durations.text(left));
        }
    }
}
