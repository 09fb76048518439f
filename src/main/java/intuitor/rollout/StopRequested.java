package intuitor.rollout;

import java.util.function.BooleanSupplier;

/** Work was given up between two of its parts because somebody asked to stop; nothing is half done outside of it. */
public final class StopRequested extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public StopRequested() {
        super("stop requested", null, false, false);
    }

    /** Gives up what is being done if a stop was requested. */
    public static void poll(BooleanSupplier stop) {
        if (stop.getAsBoolean()) {
            throw new StopRequested();
        }
    }
}
