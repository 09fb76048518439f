package intuitor.device;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import intuitor.device.cudnn.CudnnApi;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** An execution plan of a {@link CudnnGraph}, which must outlive it. */
final class CudnnPlan implements AutoCloseable {

    /** Proposals looked at. */
    private static final int PROPOSALS = 16;
    /** More notes than an engine has. */
    private static final int NOTES = 32;

    private final java.lang.foreign.Arena memory = java.lang.foreign.Arena.ofConfined();
    private final Descriptors descriptors = new Descriptors(memory); // what the plan is made of
    private final MemorySegment handle;
    private final Map<Long, MemorySegment> constants;
    private final MemorySegment plan;
    private final long workspaceBytes;

    /**
     * The first plan that cuDNN's heuristic proposes, works here and gives the same bits every time.
     *
     * @param graph     finalized
     * @param constants numbers that a run brings along, by uid
     */
    CudnnPlan(MemorySegment handle, MemorySegment graph, Map<Long, MemorySegment> constants) {
        this.handle = handle;
        this.constants = constants;
        MemorySegment proposals = memory.allocate(ADDRESS, PROPOSALS);
        for (int i = 0; i < PROPOSALS; i++) {
            proposals.setAtIndex(ADDRESS, i, descriptors.create(CudnnApi.CUDNN_BACKEND_ENGINECFG_DESCRIPTOR()));
        }
        long found = propose(graph, proposals);
        plan = IntStream.range(0, (int) found).mapToObj(i -> proposals.getAtIndex(ADDRESS, i))
                .filter(descriptors::givesTheSameBits)
                .flatMap(proposal -> descriptors.planned(handle, proposal).stream()).findFirst()
                .orElseThrow(() -> new IllegalStateException(
                        "cuDNN has no deterministic engine for this graph; it proposed " + found));
        MemorySegment bytes = memory.allocate(JAVA_LONG);
        descriptors.get(plan, CudnnApi.CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE(), CudnnApi.CUDNN_TYPE_INT64(), bytes,
                1);
        workspaceBytes = bytes.get(JAVA_LONG, 0);
    }

    private long propose(MemorySegment graph, MemorySegment proposals) {
        MemorySegment heuristic = descriptors.create(CudnnApi.CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR());
        descriptors.set(heuristic, CudnnApi.CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH(),
                CudnnApi.CUDNN_TYPE_BACKEND_DESCRIPTOR(), graph);
        CudnnGraph.check(CudnnApi.cudnnBackendSetAttribute(heuristic, CudnnApi.CUDNN_ATTR_ENGINEHEUR_MODE(),
                CudnnApi.CUDNN_TYPE_HEUR_MODE(), 1, memory.allocateFrom(JAVA_INT, CudnnApi.CUDNN_HEUR_MODE_A())),
                "SetAttribute (mode)");
        CudnnGraph.check(CudnnApi.cudnnBackendFinalize(heuristic), "Finalize (heuristic)");
        return descriptors.get(heuristic, CudnnApi.CUDNN_ATTR_ENGINEHEUR_RESULTS(),
                CudnnApi.CUDNN_TYPE_BACKEND_DESCRIPTOR(), proposals, PROPOSALS);
    }

    /** Bytes of workspace that a run needs. */
    long workspaceBytes() {
        return workspaceBytes;
    }

    /**
     * Queues a run.
     *
     * @param addresses of the tensors in device memory, by uid
     * @param workspace aligned to 256 bytes
     */
    void execute(Map<Long, Long> addresses, long workspace) {
        try (var scratch = java.lang.foreign.Arena.ofConfined(); var made = new Descriptors(scratch)) {
            int count = addresses.size() + constants.size();
            MemorySegment uids = scratch.allocate(JAVA_LONG, count);
            MemorySegment pointers = scratch.allocate(ADDRESS, count);
            int i = 0;
            for (Map.Entry<Long, Long> one : addresses.entrySet()) {
                uids.setAtIndex(JAVA_LONG, i, one.getKey());
                pointers.setAtIndex(ADDRESS, i++, MemorySegment.ofAddress(one.getValue()));
            }
            for (Map.Entry<Long, MemorySegment> one : constants.entrySet()) {
                uids.setAtIndex(JAVA_LONG, i, one.getKey());
                pointers.setAtIndex(ADDRESS, i++, one.getValue());
            }
            MemorySegment pack = made.create(CudnnApi.CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR());
            CudnnGraph.check(CudnnApi.cudnnBackendSetAttribute(pack, CudnnApi.CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS(),
                    CudnnApi.CUDNN_TYPE_INT64(), count, uids), "SetAttribute (uids)");
            CudnnGraph.check(CudnnApi.cudnnBackendSetAttribute(pack, CudnnApi.CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS(),
                    CudnnApi.CUDNN_TYPE_VOID_PTR(), count, pointers), "SetAttribute (addresses)");
            made.set(pack, CudnnApi.CUDNN_ATTR_VARIANT_PACK_WORKSPACE(), CudnnApi.CUDNN_TYPE_VOID_PTR(),
                    MemorySegment.ofAddress(workspace));
            CudnnGraph.check(CudnnApi.cudnnBackendFinalize(pack), "Finalize (variant pack)");
            CudnnGraph.check(CudnnApi.cudnnBackendExecute(handle, plan, pack), "Execute");
        }
    }

    @Override
    public void close() {
        descriptors.close();
        memory.close();
    }

    /** Descriptors that are destroyed together, the last one first. */
    private static final class Descriptors implements AutoCloseable {

        private final java.lang.foreign.Arena scratch;
        private final MemorySegment outcome;
        private final List<MemorySegment> all = new ArrayList<>();

        Descriptors(java.lang.foreign.Arena scratch) {
            this.scratch = scratch;
            this.outcome = scratch.allocate(ADDRESS);
        }

        MemorySegment create(int type) {
            CudnnGraph.check(CudnnApi.cudnnBackendCreateDescriptor(type, outcome), "CreateDescriptor");
            all.add(outcome.get(ADDRESS, 0));
            return all.getLast();
        }

        void set(MemorySegment descriptor, int name, int type, MemorySegment pointer) {
            outcome.set(ADDRESS, 0, pointer);
            CudnnGraph.check(CudnnApi.cudnnBackendSetAttribute(descriptor, name, type, 1, outcome),
                    "SetAttribute " + name);
        }

        /** The number of elements read. */
        long get(MemorySegment descriptor, int name, int type, MemorySegment elements, int capacity) {
            CudnnGraph.check(CudnnApi.cudnnBackendGetAttribute(descriptor, name, type, capacity, outcome, elements),
                    "GetAttribute " + name);
            return Math.min(capacity, outcome.get(JAVA_LONG, 0));
        }

        /** Engines say of themselves if they add in an order that changes. */
        boolean givesTheSameBits(MemorySegment proposal) {
            MemorySegment engine = scratch.allocate(ADDRESS);
            engine.set(ADDRESS, 0, create(CudnnApi.CUDNN_BACKEND_ENGINE_DESCRIPTOR()));
            get(proposal, CudnnApi.CUDNN_ATTR_ENGINECFG_ENGINE(), CudnnApi.CUDNN_TYPE_BACKEND_DESCRIPTOR(), engine, 1);
            MemorySegment notes = scratch.allocate(JAVA_INT, NOTES);
            long count = get(engine.get(ADDRESS, 0), CudnnApi.CUDNN_ATTR_ENGINE_NUMERICAL_NOTE(),
                    CudnnApi.CUDNN_TYPE_NUMERICAL_NOTE(), notes, NOTES);
            for (int i = 0; i < count; i++) {
                if (notes.getAtIndex(JAVA_INT, i) == CudnnApi.CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC()) {
                    return false;
                }
            }
            return true;
        }

        /** The plan of a proposal, if it can be made: not every engine that is proposed works on this device. */
        Optional<MemorySegment> planned(MemorySegment handle, MemorySegment proposal) {
            MemorySegment plan = create(CudnnApi.CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR());
            set(plan, CudnnApi.CUDNN_ATTR_EXECUTION_PLAN_HANDLE(), CudnnApi.CUDNN_TYPE_HANDLE(), handle);
            set(plan, CudnnApi.CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG(), CudnnApi.CUDNN_TYPE_BACKEND_DESCRIPTOR(),
                    proposal);
            return CudnnApi.cudnnBackendFinalize(plan) == CudnnApi.CUDNN_STATUS_SUCCESS()
                    ? Optional.of(plan) : Optional.empty();
        }

        @Override
        public void close() {
            all.reversed().forEach(descriptor ->
                    CudnnGraph.check(CudnnApi.cudnnBackendDestroyDescriptor(descriptor), "DestroyDescriptor"));
        }
    }
}
