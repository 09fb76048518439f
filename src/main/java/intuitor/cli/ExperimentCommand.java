package intuitor.cli;

import intuitor.experiment.Experiment;
import intuitor.experiment.ExperimentRecipe;
import intuitor.experiment.ExperimentRun;
import intuitor.experiment.ExperimentSettings;
import intuitor.experiment.TrainProcess;
import intuitor.experiment.report.ExperimentReport;
import java.nio.file.Path;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code intuitor experiment}: a grid of training runs, and a report. */
@Command(
        name = "experiment",
        modelTransformer = ExperimentCommand.Flags.class,
        description = {
            "Trains a model in several ways, with several seeds each, evaluates base and trained models on held-out "
                    + "tasks, and writes a report with tables, intervals and learning curves.",
            "",
            "Runs are ordinary runs of train, each in its folder and in a process of its own. Ctrl-C stops all of them "
                    + "in good order; the same command goes on."
        },
        footer = {
            "",
            "The recipe, beside the flags above as keys:",
            "  train:                                      what all runs share: keys of train",
            "    model: models/arithmetic-1m",
            "    ...",
            "  tasks:                                      held-out problems; the first is the task that is trained on",
            "    sums: recipes/data/study-sums.jsonl",
            "  comparisons:                                a table and its pictures each",
            "    - name: rewards",
            "      arms:                                   what is different in each arm",
            "        INTUITOR: {}",
            "        offline SC: {certainty_model: reference}",
            "    - name: KL",
            "      grid: {beta: [0, 0.005, 0.01]}          every combination, of every arm",
            "      seeds: [1, 2]                           fewer than the others have",
            "",
            "Written to OUTPUT_DIR/NAME: report.html, report.md, pictures/, results.csv, curves.csv; runs/,",
            "evaluations/, logs/, and the settings of each run in recipes/.",
            "",
            "Examples:",
            "  intuitor experiment recipes/study-small.yaml",
            "  intuitor experiment recipes/study-small.yaml --seeds 1 --name try --parallel 1",
            "  intuitor experiment recipes/study-small.yaml --report-only"
        })
final class ExperimentCommand extends BaseCommand {

    /** A flag for every key. */
    static final class Flags extends RecipeFlags {
        Flags() {
            super(ExperimentSettings.class);
        }
    }

    @Parameters(arity = "1", paramLabel = "RECIPE", description = "YAML file of the experiment")
    private Path recipe;

    @Option(names = "--report-only", description = "train nothing: write the report on what is there")
    private boolean reportOnly;

    @Override
    public Integer call() throws Exception {
        Map<String, String> flags = RecipeFlags.given(ExperimentSettings.class, spec().commandLine().getParseResult());
        Experiment experiment = ExperimentRecipe.read(recipe, flags);
        if (reportOnly) {
            return report(experiment, CommandLine.ExitCode.OK);
        }
        return stoppable((progress, stop) -> {
            ExperimentRun.Outcome outcome = new ExperimentRun(experiment, new TrainProcess(), progress, stop).run();
            if (stop.getAsBoolean()) {
                err().println("stopped: " + outcome.finished() + " of " + outcome.all() + " runs are finished");
                err().println("go on: the same command again");
                return CommandLine.ExitCode.OK;
            }
            outcome.failed().forEach((run, why) -> err().println("failed: " + run + ": " + why));
            return report(experiment, outcome.failed().isEmpty() ? CommandLine.ExitCode.OK : Errors.FAULT);
        });
    }

    private int report(Experiment experiment, int status) {
        ExperimentReport report = ExperimentReport.write(experiment);
        out().print(report.summary());
        report.complaints().forEach(complaint -> err().println("warning: " + complaint));
        err().println("report: " + report.html());
        return status;
    }
}
