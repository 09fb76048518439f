package intuitor.device;

/** Times work that is queued on a device, by the device's own clock: what the host does meanwhile is not counted. */
public final class Stopwatch implements AutoCloseable {

    private final NativeApi api;
    private final long start;
    private final long end;

    Stopwatch(NativeApi api) {
        this.api = api;
        this.start = api.createEvent();
        this.end = api.createEvent();
    }

    /** Time begins when the work queued so far is done. */
    public void start() {
        api.recordEvent(start);
    }

    /** Waits for the work queued since {@link #start} and returns how long it took, in milliseconds. */
    public double stop() {
        api.recordEvent(end);
        return api.elapsedMillis(start, end);
    }

    @Override
    public void close() {
        api.destroyEvent(start);
        api.destroyEvent(end);
    }
}
