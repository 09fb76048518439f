package intuitor.train;

import intuitor.report.ProgressLine;
import java.util.Locale;

/** Says what a step does while it takes long. */
final class StepLine implements StepProgress {

    private final ProgressLine line;
    private final String step;
    private Phase phase;
    private long began;

    StepLine(ProgressLine line, int step, int totalSteps) {
        this.line = line;
        this.step = "step " + step + "/" + totalSteps + ": ";
    }

    @Override
    public void at(Phase now, long done, long of) {
        if (now != phase) {
            phase = now;
            began = System.nanoTime();
        }
        line.tick(() -> step + switch (now) {
            case GENERATING -> String.format(Locale.ROOT, "generating, %,d of at most %,d tokens, %.0f tokens/s", done,
                    of, done / Math.max(1e-9, (System.nanoTime() - began) * 1e-9));
            case SCORING -> "scoring, part " + (done + 1) + " of " + of;
            case TRAINING -> "training, part " + (done + 1) + " of " + of;
        });
    }
}
