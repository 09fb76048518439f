package intuitor.rollout;

/** Work was given up between two of its parts because somebody asked to stop; nothing is half done outside of it. */
public final class StopRequested extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public StopRequested() {
        super("stop requested", null, false, false);
    }
}
