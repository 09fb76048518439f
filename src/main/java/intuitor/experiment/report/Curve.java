package intuitor.experiment.report;

import java.util.List;

/**
 * A metric of training that is drawn over the steps.
 *
 * @param metric its name in {@code metrics.jsonl}, or {@link RunData#ACCURACY}
 * @param title  of the picture
 * @param unit   of the vertical axis
 */
record Curve(String metric, String title, String unit) {

    static final List<Curve> ALL = List.of(
            new Curve(RunData.ACCURACY, "Accuracy of the step's own completions", "share right"),
            new Curve("self_certainty/mean", "Self-certainty", "nats a token"),
            new Curve("entropy", "Entropy", "nats a token"),
            new Curve("kl", "KL from the base", "nats a token"),
            new Curve("completions/mean_length", "Length", "tokens"),
            new Curve("completions/clipped_ratio", "Cut off at the length limit", "share"));
}
