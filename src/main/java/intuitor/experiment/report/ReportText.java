package intuitor.experiment.report;

import intuitor.monitor.Association;
import intuitor.train.JudgedCompletion;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The report's text, in Markdown. */
final class ReportText {

    private static final double PERCENT = 100;
    /** Below this an interval over the seeds is as good as none. */
    private static final int FEW_SEEDS = 3;

    private final List<String> tasks;
    private final StringBuilder text = new StringBuilder();

    /** @param tasks their names, the trained one first */
    ReportText(List<String> tasks) {
        this.tasks = tasks;
    }

    ReportText paragraph(String paragraph) {
        text.append(paragraph).append("\n\n");
        return this;
    }

    /** The tables of a comparison. */
    ReportText comparison(ComparisonData comparison) {
        paragraph("## " + comparison.name());
        paragraph("Accuracy on held-out problems, %: mean over the seeds [95% interval].");
        accuracies(comparison.withBase(), arm -> (task, mode) -> cell(arm.accuracy(task, mode), PERCENT, "%.1f"));
        paragraph("Change from the base model with the same seed, in points: mean [95% interval]. "
                + "**Bold**: the interval does not hold 0, and there are three seeds at least, which differ.");
        accuracies(comparison.arms(), arm -> (task, mode) -> change(arm.gain(comparison.base(), task, mode)));
        if (comparison.arms().size() > 1) {
            ArmData first = comparison.arms().getFirst();
            paragraph("Difference from " + first.name() + " with the same seed, in points: mean [95% interval].");
            accuracies(comparison.arms().subList(1, comparison.arms().size()),
                    arm -> (task, mode) -> change(arm.gain(first, task, mode)));
        }
        for (String task : tasks) {
            paragraph("Sampled completions of " + task + ": self-certainty of all, of the right and of the wrong ones; "
                    + "AUROC, how well it tells them apart (0.5: not at all); entropy; length in tokens; cut off at "
                    + "the limit.");
            completions(comparison.withBase(), task);
        }
        if (!comparison.arms().isEmpty()) {
            paragraph("The last tenth of training: means over its steps and the seeds.");
            training(comparison.arms());
        }
        return this;
    }

    /** What stands in the cells of a row. */
    private interface Cells {
        String of(String task, Mode mode);
    }

    private void accuracies(List<ArmData> arms, Function<ArmData, Cells> cells) {
        List<String> header = new ArrayList<>(List.of("arm", "seeds"));
        tasks.forEach(task -> {
            for (Mode mode : Mode.values()) {
                header.add(task + ", " + mode.label());
            }
        });
        header(header);
        for (ArmData arm : arms) {
            List<String> row = new ArrayList<>(List.of(arm.name(), "" + arm.evaluations().size()));
            tasks.forEach(task -> {
                for (Mode mode : Mode.values()) {
                    row.add(cells.apply(arm).of(task, mode));
                }
            });
            row(row);
        }
        text.append('\n');
    }

    private void completions(List<ArmData> arms, String task) {
        header(List.of("arm", "self-certainty", "of right", "of wrong", "AUROC", "entropy", "length", "cut off, %"));
        for (ArmData arm : arms) {
            row(List.of(arm.name(),
                    cell(arm.measured(task, all -> ArmData.mean(all, JudgedCompletion::selfCertainty)), 1, "%.2f"),
                    cell(arm.measured(task, all -> certainty(all, true)), 1, "%.2f"),
                    cell(arm.measured(task, all -> certainty(all, false)), 1, "%.2f"),
                    cell(arm.measured(task, ReportText::auroc), 1, "%.3f"),
                    cell(arm.measured(task, all -> ArmData.mean(all, JudgedCompletion::entropy)), 1, "%.3f"),
                    cell(arm.measured(task, all -> ArmData.mean(all, JudgedCompletion::tokens)), 1, "%.1f"),
                    cell(arm.measured(task, all -> ArmData.mean(all, c -> c.stopped() ? 0 : 1)), PERCENT, "%.1f")));
        }
        text.append('\n');
    }

    private void training(List<ArmData> arms) {
        List<Curve> curves = Curve.ALL.stream().filter(c -> arms.stream().anyMatch(a -> a.atTheEnd(c.metric()).n() > 0))
                .toList();
        List<String> header = new ArrayList<>(List.of("arm"));
        curves.forEach(curve -> header.add(curve.title()));
        header(header);
        for (ArmData arm : arms) {
            List<String> row = new ArrayList<>(List.of(arm.name()));
            curves.forEach(curve -> row.add(cell(arm.atTheEnd(curve.metric()), 1, "%.3f")));
            row(row);
        }
        text.append('\n');
    }

    private static double certainty(List<JudgedCompletion> completions, boolean right) {
        List<JudgedCompletion> some = completions.stream().filter(c -> c.right() == right).toList();
        return ArmData.mean(some, JudgedCompletion::selfCertainty);
    }

    private static double auroc(List<JudgedCompletion> completions) {
        boolean[] right = new boolean[completions.size()];
        for (int i = 0; i < right.length; i++) {
            right[i] = completions.get(i).right();
        }
        return Association.auroc(completions.stream().mapToDouble(JudgedCompletion::selfCertainty).toArray(), right);
    }

    /** Pictures side by side, as many as a line holds. */
    ReportText pictures(List<String> files) {
        return files.isEmpty() ? this : paragraph(files.stream()
                .map(file -> "![" + file.replaceAll(".*/|\\.png", "").replace('-', ' ') + "](" + file + ")")
                .collect(Collectors.joining("\n")));
    }

    private void header(List<String> cells) {
        row(cells);
        text.append("|---").append("|--:".repeat(cells.size() - 1)).append("|\n");
    }

    private void row(List<String> cells) {
        text.append(cells.stream().map(cell -> cell.replace("|", "\\|"))
                .collect(Collectors.joining(" | ", "| ", " |\n")));
    }

    /** {@code 83.1 [80.0, 86.2]}, {@code 83.1} of a single run, {@code -} where there is none. */
    static String cell(Estimate e, double scale, String format) {
        if (e.n() == 0) {
            return "-";
        }
        String mean = number(format, scale * e.mean());
        return e.hasInterval()
                ? mean + " [" + number(format, scale * e.low()) + ", " + number(format, scale * e.high()) + "]" : mean;
    }

    private static String change(Estimate e) {
        String text = cell(e, PERCENT, "%+.1f");
        boolean tellsApart = e.n() >= FEW_SEEDS && e.high() > e.low() && (e.low() > 0 || e.high() < 0);
        return tellsApart ? "**" + text + "**" : text;
    }

    private static String number(String format, double value) {
        String text = String.format(Locale.ROOT, format, value);
        return text.matches("-0[.0]*") ? text.substring(1) : text;
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
