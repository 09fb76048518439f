package intuitor.rollout;

import intuitor.device.Arena;
import intuitor.device.DeviceGraph;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * The steps of decoding of one call, recorded once for each {@link DecodeBucket}. A graph holds addresses: those of a
 * scope of the call's arena in which every step of the bucket makes the same allocations. They are the same as long as
 * the arena's blocks are; when those change, all graphs are dropped and recorded again.
 */
final class DecodeGraphs implements AutoCloseable {

    private final Map<DecodeBucket, DeviceGraph> graphs = new HashMap<>();
    /** Buckets of which a step was made that took no memory from the device. */
    private final Set<DecodeBucket> settled = new HashSet<>();
    private long blockChanges = -1;
    private long recorded;

    /**
     * Makes steps of one bucket. The first one of a bucket is made directly, as are those that took memory from the
     * device: what is recorded then has all its memory and, on a GPU, all its kernels.
     *
     * @param arena the scope in which the step's inputs are, and in which it allocates; opened for these steps, like
     *              that of the bucket's other ones
     */
    void make(DecodeBucket bucket, int steps, Arena arena, Runnable step) {
        for (int i = 0; i < steps; i++) {
            dropIfMoved(arena);
            DeviceGraph graph = graphs.get(bucket);
            if (graph == null && settled.contains(bucket)) {
                graph = arena.device().record(step);
                graphs.put(bucket, graph);
                recorded++;
            }
            if (graph != null) {
                graph.launch();
            } else {
                step.run();
                if (arena.blockChanges() == blockChanges) {
                    settled.add(bucket);
                }
            }
        }
    }

    private void dropIfMoved(Arena arena) {
        if (arena.blockChanges() != blockChanges) {
            close();
            blockChanges = arena.blockChanges();
        }
    }

    /** How many graphs were made. */
    long recorded() {
        return recorded;
    }

    @Override
    public void close() {
        graphs.values().forEach(DeviceGraph::close);
        graphs.clear();
        settled.clear();
    }
}
