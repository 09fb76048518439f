package intuitor.train;

import intuitor.report.ProgressLine;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** Says what a step does while it takes long. */
final class StepLine implements StepProgress {

    private final Consumer<Supplier<String>> line;
    private final String step;
    private final LongSupplier nanoTime;
    private final long began;

    /** @param step that begins now */
    StepLine(ProgressLine line, int step, int totalSteps) {
        this(line::tick, step, totalSteps, System::nanoTime);
    }

    StepLine(Consumer<Supplier<String>> line, int step, int totalSteps, LongSupplier nanoTime) {
        this.line = line;
        this.step = "step " + step + "/" + totalSteps + ": ";
        this.nanoTime = nanoTime;
        this.began = nanoTime.getAsLong();
    }

    @Override
    public void at(Phase phase, long done, long of) {
        line.accept(() -> step + switch (phase) {
            case GENERATING -> String.format(Locale.ROOT, "generating, %,d of at most %,d tokens, %.0f tokens/s", done,
                    of, done / ((nanoTime.getAsLong() - began) * 1e-9));
            case SCORING -> "scoring, part " + (done + 1) + " of " + of;
            case TRAINING -> "training, part " + (done + 1) + " of " + of;
        });
    }
}
