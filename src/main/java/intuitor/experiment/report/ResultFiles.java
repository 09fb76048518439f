package intuitor.experiment.report;

import intuitor.checkpoint.AtomicFiles;
import intuitor.train.JudgedCompletion;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** The report's numbers for other programs, as CSV. */
final class ResultFiles {

    private ResultFiles() { }

    /** {@code results.csv}: a line a model, task and way of drawing. */
    static void writeResults(Path file, List<ComparisonData> comparisons) {
        StringBuilder csv = new StringBuilder("comparison,arm,seed,task,mode,right,completions,accuracy,self_certainty,"
                + "entropy,tokens\n");
        for (ComparisonData comparison : comparisons) {
            for (ArmData arm : comparison.withBase()) {
                arm.evaluations().forEach((seed, e) -> e.tasks().forEach((task, judged) -> {
                    for (Mode mode : Mode.values()) {
                        List<JudgedCompletion> all = mode.of(judged);
                        csv.append(String.join(",", quoted(comparison.name()), quoted(arm.name()), "" + seed,
                                quoted(task), mode.label(),
                                "" + all.stream().filter(JudgedCompletion::right).count(), "" + all.size(),
                                number(ArmData.mean(all, c -> c.right() ? 1 : 0)),
                                number(ArmData.mean(all, JudgedCompletion::selfCertainty)),
                                number(ArmData.mean(all, JudgedCompletion::entropy)),
                                number(ArmData.mean(all, JudgedCompletion::tokens)))).append('\n');
                    }
                }));
            }
        }
        AtomicFiles.writeString(file, csv.toString());
    }

    /** {@code curves.csv}: what the pictures of training show. */
    static void writeCurves(Path file, List<ComparisonData> comparisons) {
        StringBuilder csv = new StringBuilder("comparison,arm,metric,step,seeds,mean,low95,high95\n");
        for (ComparisonData comparison : comparisons) {
            for (ArmData arm : comparison.arms()) {
                for (Curve curve : Curve.ALL) {
                    arm.curve(curve.metric()).forEach((step, e) -> csv.append(String.join(",",
                            quoted(comparison.name()), quoted(arm.name()), curve.metric(), "" + step, "" + e.n(),
                            number(e.mean()), number(e.low()), number(e.high()))).append('\n'));
                }
            }
        }
        AtomicFiles.writeString(file, csv.toString());
    }

    /** Nothing where there is no number. */
    private static String number(double x) {
        return Double.isFinite(x) ? String.format(Locale.ROOT, "%.6g", x) : "";
    }

    private static String quoted(String text) {
        return text.matches("[\\w .+-]*") ? text : '"' + text.replace("\"", "\"\"") + '"';
    }
}
