package intuitor.device;

import static java.lang.foreign.ValueLayout.ADDRESS;

import intuitor.device.dnnl.Dnnl;
import intuitor.device.dnnl.dnnl_exec_arg_t;
import java.lang.foreign.MemorySegment;

/** A oneDNN primitive with its memory objects and its argument list: a run sets the addresses and nothing else. */
final class OneDnnPrimitive implements AutoCloseable {

    private final java.lang.foreign.Arena arena = java.lang.foreign.Arena.ofConfined();
    private final MemorySegment primitive;
    private final MemorySegment[] objects; // memory objects, one an argument
    private final MemorySegment arguments; // dnnl_exec_arg_t of each
    private final long[] addresses; // that the memory objects have

    /**
     * @param description the primitive's descriptor; destroyed here
     * @param roles       DNNL_ARG_... of each argument
     * @param layouts     memory descriptor of each argument; the caller's
     */
    OneDnnPrimitive(MemorySegment engine, MemorySegment description, int[] roles, MemorySegment[] layouts) {
        MemorySegment outcome = arena.allocate(ADDRESS);
        OneDnn.check(Dnnl.dnnl_primitive_create(outcome, description), "primitive_create");
        primitive = outcome.get(ADDRESS, 0);
        OneDnn.check(Dnnl.dnnl_primitive_desc_destroy(description), "primitive_desc_destroy");
        objects = new MemorySegment[roles.length];
        addresses = new long[roles.length];
        arguments = dnnl_exec_arg_t.allocateArray(roles.length, arena);
        for (int i = 0; i < roles.length; i++) {
            OneDnn.check(Dnnl.dnnl_memory_create(outcome, layouts[i], engine, MemorySegment.NULL), "memory_create");
            objects[i] = outcome.get(ADDRESS, 0);
            MemorySegment argument = dnnl_exec_arg_t.asSlice(arguments, i);
            dnnl_exec_arg_t.arg(argument, roles[i]);
            dnnl_exec_arg_t.memory(argument, objects[i]);
        }
    }

    /** Runs it on these addresses, in the order of the roles, and waits. */
    void execute(MemorySegment stream, long... addresses) {
        for (int i = 0; i < objects.length; i++) {
            if (addresses[i] != this.addresses[i]) {
                OneDnn.check(Dnnl.dnnl_memory_set_data_handle(objects[i], MemorySegment.ofAddress(addresses[i])),
                        "memory_set_data_handle");
                this.addresses[i] = addresses[i];
            }
        }
        OneDnn.check(Dnnl.dnnl_primitive_execute(primitive, stream, objects.length, arguments), "primitive_execute");
        OneDnn.check(Dnnl.dnnl_stream_wait(stream), "stream_wait");
    }

    @Override
    public void close() {
        OneDnn.check(Dnnl.dnnl_primitive_destroy(primitive), "primitive_destroy");
        for (MemorySegment object : objects) {
            OneDnn.check(Dnnl.dnnl_memory_destroy(object), "memory_destroy");
        }
        arena.close();
    }
}
