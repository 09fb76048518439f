package intuitor.cli;

import intuitor.eval.alpaca.AlpacaResult;
import intuitor.eval.run.Estimate;
import intuitor.eval.run.PaperResults;
import intuitor.eval.run.Summary;
import intuitor.report.Table;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The results of an evaluation, with the paper's beside them. */
final class EvalTable {

    /** Marks an interval that is no bootstrap's. */
    private static final String EXACT = "*";

    private EvalTable() { }

    /**
     * @param judged AlpacaEval's result; null: it was not judged
     * @param paper  the paper's model; null: none
     */
    static String of(List<Summary> summaries, AlpacaResult judged, String paper) {
        List<String> methods = paper == null ? List.of() : PaperResults.methods(paper);
        List<String> header = new ArrayList<>(List.of("task", "measure", "problems", "measured [95%]"));
        methods.forEach(m -> header.add("paper: " + m));
        Table table = new Table(header.toArray(String[]::new));
        for (Summary s : summaries) {
            for (Map.Entry<String, Estimate> measure : s.measures().entrySet()) {
                boolean published = measure.getKey().equals(Summary.ACCURACY);
                List<String> row = new ArrayList<>(List.of(s.task(), measure.getKey(), "" + s.problems(),
                        cell(measure.getValue())));
                methods.forEach(m -> row.add(!published ? "" : PaperResults.value(paper, m, s.task())
                        .map(v -> String.format(Locale.ROOT, "%.3f", v)).orElse("")));
                table.row(row.toArray(String[]::new));
            }
            if (s.measures().isEmpty()) {
                List<String> row =
                        new ArrayList<>(List.of(s.task(), "LC win rate", "" + s.problems(), lengthControlled(judged)));
                methods.forEach(m -> row.add(PaperResults.value(paper, m, s.task())
                        .map(v -> String.format(Locale.ROOT, "%.2f%%", v)).orElse("")));
                table.row(row.toArray(String[]::new));
                if (judged != null) {
                    List<String> plain = new ArrayList<>(
                            List.of(s.task(), "win rate", "" + judged.judged(), cell(judged.winRate())));
                    methods.forEach(m -> plain.add(""));
                    table.row(plain.toArray(String[]::new));
                }
            }
        }
        return (paper == null ? "" : "paper: arXiv 2505.19590, " + paper + "\n") + table
                + (table.toString().contains(EXACT) ? EXACT + " all problems came out alike, where a bootstrap sees no "
                        + "spread: the exact binomial (Clopper-Pearson) interval\n" : "");
    }

    private static String lengthControlled(AlpacaResult judged) {
        return judged == null ? "not judged" : String.format(Locale.ROOT, "%.2f%% (standard error %.2f)",
                judged.lengthControlled().percent(), judged.lengthControlled().standardError());
    }

    private static String cell(Estimate e) {
        return String.format(Locale.ROOT, "%.3f [%.3f, %.3f]%s", e.mean(), e.low(), e.high(),
                e.method() == Estimate.Method.CLOPPER_PEARSON ? EXACT : "");
    }
}
