package intuitor.device;

/**
 * Work of a device that was recorded once, to be queued again and again by one call: on a GPU a CUDA graph, which
 * starts its kernels in a fraction of the time that the host takes for one after the other. The addresses of all
 * tensors are those of the recording, so their memory must live on and still be for them.
 */
public final class DeviceGraph implements AutoCloseable {

    private final NativeApi api;
    private final long graph;
    private boolean closed;

    private DeviceGraph(NativeApi api, long graph) {
        this.api = api;
        this.graph = graph;
    }

    static DeviceGraph record(NativeApi api, Runnable work) {
        api.beginGraph();
        try {
            work.run();
        } catch (RuntimeException | Error e) {
            try {
                api.dropGraph();
            } catch (RuntimeException also) { // what has failed may have spoilt the recording
                e.addSuppressed(also);
            }
            throw e;
        }
        return new DeviceGraph(api, api.endGraph());
    }

    /** Queues the work. */
    public void launch() {
        api.launchGraph(graph);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            api.destroyGraph(graph);
        }
    }
}
