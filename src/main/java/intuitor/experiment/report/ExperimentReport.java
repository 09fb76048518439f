package intuitor.experiment.report;

import intuitor.UserError;
import intuitor.checkpoint.AtomicFiles;
import intuitor.data.Prompt;
import intuitor.data.PromptSet;
import intuitor.experiment.Arm;
import intuitor.experiment.Comparison;
import intuitor.experiment.Evaluations;
import intuitor.experiment.Experiment;
import intuitor.experiment.ExperimentFolder;
import intuitor.experiment.PlannedRun;
import intuitor.report.Table;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Reads what an experiment's finished runs have left and writes {@code report.md}, {@code report.html} (with its
 * pictures in it), {@code pictures/}, {@code results.csv} and {@code curves.csv} into its folder.
 */
public final class ExperimentReport {

    private final Experiment experiment;
    private final ExperimentFolder folder;
    private final List<String> tasks;
    private final Map<String, RunData> runs = new HashMap<>();
    private final List<String> complaints = new ArrayList<>();
    private final List<ComparisonData> comparisons = new ArrayList<>();

    private ExperimentReport(Experiment experiment) {
        this.experiment = experiment;
        this.folder = experiment.folder();
        this.tasks = List.copyOf(experiment.tasks().keySet());
    }

    /** Writes the report on the runs that are finished; a {@link UserError} if none is. */
    public static ExperimentReport write(Experiment experiment) {
        ExperimentReport report = new ExperimentReport(experiment);
        report.read();
        report.write();
        return report;
    }

    private void read() {
        Map<String, String> answers = answers();
        for (Comparison comparison : experiment.comparisons()) {
            List<ArmData> arms = new ArrayList<>();
            SortedMap<Long, Evaluations> base = new TreeMap<>();
            for (Arm arm : comparison.arms()) {
                List<PlannedRun> finished = arm.runs().stream().filter(folder::isFinished).toList();
                finished.forEach(run -> base.computeIfAbsent(run.seed(), this::base));
                if (!finished.isEmpty()) {
                    arms.add(ArmData.of(arm.name(), finished.stream().map(run ->
                            runs.computeIfAbsent(run.name(), name -> RunData.read(folder, run, answers))).toList()));
                }
            }
            comparisons.add(new ComparisonData(comparison.name(), new ArmData("base", List.of(), base), arms));
        }
        if (runs.isEmpty()) {
            throw new UserError(folder.path() + ": no run is finished yet; there is nothing to report");
        }
        Changes changes = new Changes(experiment);
        experiment.runs().stream().filter(run -> runs.containsKey(run.name()))
                .forEach(run -> changes.look(run, runs.get(run.name()).evaluations()));
        complaints.addAll(changes.complaints(runs.size()));
    }

    private Evaluations base(long seed) {
        return Evaluations.read(folder.evaluation(ExperimentFolder.baseName(seed)));
    }

    /** Answers to the training prompts, by prompt; none where the file has none. */
    private Map<String, String> answers() {
        Map<String, String> answers = new HashMap<>();
        for (Prompt prompt : PromptSet.read(experiment.shared().data(), experiment.shared().columns())) {
            if (prompt.answer() != null) {
                answers.put(prompt.text(), prompt.answer());
            }
        }
        return answers;
    }

    private void write() {
        int all = experiment.runs().size();
        ReportText text = new ReportText(tasks);
        text.paragraph("# " + experiment.settings().name());
        text.paragraph("Model " + experiment.shared().model() + ", prompts " + experiment.shared().data() + ", "
                + experiment.shared().maxSteps() + " steps of " + experiment.shared().promptsPerStep() + " x "
                + experiment.shared().numGenerations() + " completions. Trained on " + tasks.getFirst()
                + (tasks.size() > 1 ? "; never on " + String.join(", ", tasks.subList(1, tasks.size())) : "") + ". "
                + experiment.shared().evalPrompts() + " held-out problems a task, " + experiment.shared().evalSamples()
                + " sampled completions and a greedy one of each. " + runs.size() + " of " + all
                + " runs are in this report. Intervals: Student's t over the seeds, 95%.");
        complaints.forEach(complaint -> text.paragraph("**Note:** " + complaint + "."));
        for (ComparisonData comparison : comparisons) {
            if (!comparison.arms().isEmpty()) {
                text.comparison(comparison).pictures(pictures(comparison));
            }
        }
        AtomicFiles.writeString(folder.path().resolve("report.md"), text.toString());
        AtomicFiles.writeString(html(), HtmlPage.of(experiment.settings().name(), text.toString(), folder.path()));
        ResultFiles.writeResults(folder.path().resolve("results.csv"), comparisons);
        ResultFiles.writeCurves(folder.path().resolve("curves.csv"), comparisons);
    }

    /** The paths of a comparison's pictures in the folder; none, and a complaint, where Java cannot draw. */
    private List<String> pictures(ComparisonData comparison) {
        try {
            Files.createDirectories(folder.path().resolve("pictures"));
            return new ComparisonPictures(folder.path(), comparison, tasks).draw();
        } catch (IOException e) {
            throw UserError.of("cannot write to " + folder.path(), e);
        } catch (LinkageError | InternalError e) { // a Java without java.desktop, a machine without fonts
            complaints.add("no pictures of " + comparison.name() + ": this Java cannot draw (" + e + ")");
            return List.of();
        }
    }

    /** The sampled accuracies, for the terminal. */
    public String summary() {
        StringBuilder all = new StringBuilder();
        for (ComparisonData comparison : comparisons) {
            List<String> header = new ArrayList<>(List.of(comparison.name(), "seeds"));
            header.addAll(tasks);
            Table table = new Table(header.toArray(String[]::new));
            for (ArmData arm : comparison.withBase()) {
                List<String> row = new ArrayList<>(List.of(arm.name(), "" + arm.evaluations().size()));
                tasks.forEach(task -> row.add(ReportText.cell(arm.accuracy(task, Mode.SAMPLED), 100, "%.1f")));
                table.row(row.toArray(String[]::new));
            }
            all.append(table).append('\n');
        }
        return all.toString();
    }

    /** What could not be done, and what is in the report that another one would not have. */
    public List<String> complaints() {
        return complaints;
    }

    /** The report to open. */
    public Path html() {
        return folder.path().resolve("report.html");
    }
}
