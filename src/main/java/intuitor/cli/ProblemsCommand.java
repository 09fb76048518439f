package intuitor.cli;

import intuitor.checkpoint.AtomicFiles;
import intuitor.data.ProblemSet;
import intuitor.data.ProblemSetConfig;
import intuitor.recipe.Recipe;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code intuitor problems}: generated arithmetic problems, to train or to evaluate on. */
@Command(
        name = "problems",
        modelTransformer = ProblemsCommand.Flags.class,
        description = {
            "Writes generated arithmetic problems with their answers, as a JSONL file that train and experiment read."
        },
        footer = {
            "",
            "Kinds: gain_then_loss, loss_then_gain, comparison, groups_and_more, groups_and_less, sharing, sequence,",
            "expression, three_parts.",
            "",
            "Example:",
            "  intuitor problems --output sharing.jsonl --kinds sharing --held-out true --count 200"
        })
final class ProblemsCommand extends BaseCommand {

    /** A flag for every key. */
    static final class Flags extends RecipeFlags {
        Flags() {
            super(ProblemSetConfig.class);
        }
    }

    @Override
    public Integer call() {
        ProblemSetConfig config = Recipe.read(ProblemSetConfig.class, null,
                RecipeFlags.given(ProblemSetConfig.class, spec().commandLine().getParseResult()));
        AtomicFiles.writeString(config.output(), ProblemSet.jsonLines(ProblemSet.of(config), config.answers()));
        err().println("wrote " + config.count() + " problems to " + config.output());
        return CommandLine.ExitCode.OK;
    }
}
