package intuitor.experiment.report;

import intuitor.train.HeldOutEvaluation;
import intuitor.train.JudgedCompletion;
import java.util.List;
import java.util.Locale;

/** How completions of held-out problems were drawn. */
enum Mode {
    SAMPLED, GREEDY;

    List<JudgedCompletion> of(HeldOutEvaluation.Judged judged) {
        return this == SAMPLED ? judged.sampled() : judged.greedy();
    }

    String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
