package intuitor.train;

import intuitor.eval.Proportion;
import intuitor.report.Table;
import java.nio.file.Path;
import java.util.Locale;

/**
 * How a run ended.
 *
 * @param folder     of the run
 * @param step       steps made
 * @param totalSteps steps it was to make
 * @param end        why it went no further
 * @param seconds    time spent in steps
 * @param before     accuracy on held-out problems before the first step, or null
 * @param after      accuracy after the last step, or null
 */
public record RunResult(Path folder, int step, int totalSteps, End end, double seconds,
                        HeldOutEvaluation.Result before, HeldOutEvaluation.Result after) {

    /** Why a run went no further: all its steps are made, somebody stopped it, or the monitor did. */
    public enum End { FINISHED, STOPPED, HACKING }

    public boolean finished() {
        return end == End.FINISHED;
    }

    /** Accuracy before and after, with 95% intervals; empty where it was not measured at both ends. */
    public String table() {
        if (before == null || after == null) {
            return "";
        }
        return new Table("held-out accuracy", "before", "after", "change")
                .row(row("sampled", before.sampled(), after.sampled()))
                .row(row("greedy", before.greedy(), after.greedy())).toString();
    }

    private static String[] row(String name, Proportion before, Proportion after) {
        return new String[] {name + " (" + after.trials() + ")", cell(before), cell(after),
            String.format(Locale.ROOT, "%+.1f", 100 * (after.value() - before.value()))};
    }

    private static String cell(Proportion p) {
        return String.format(Locale.ROOT, "%.1f%% [%.1f, %.1f]", 100 * p.value(), 100 * p.low(), 100 * p.high());
    }
}
