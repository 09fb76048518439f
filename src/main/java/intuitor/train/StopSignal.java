package intuitor.train;

import intuitor.rollout.StopRequested;
import java.util.function.BooleanSupplier;

/**
 * A request to stop, made by another thread (a shutdown hook, a test) and polled by the trainer between decode steps
 * and micro-batches.
 */
public final class StopSignal implements BooleanSupplier {

    private volatile boolean requested;

    public void request() {
        requested = true;
    }

    /** Whether a stop was requested. */
    @Override
    public boolean getAsBoolean() {
        return requested;
    }

    /** Gives up what is being done if a stop was requested. */
    static void poll(BooleanSupplier stop) {
        StopRequested.poll(stop);
    }
}
