package intuitor.device;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import intuitor.UserError;
import intuitor.device.abi.Intuitor;
import intuitor.device.abi.it_api;
import intuitor.device.abi.it_device_info;
import java.lang.foreign.MemorySegment;
import java.util.Locale;

/**
 * The function table of one device library: its device and memory functions, and the translation of every non-zero
 * status into an exception. {@link Kernels} holds the rest of the table.
 */
final class NativeApi {

    private static final long GIB = 1L << 30;
    private static final long DEFAULT_STREAM = 0;

    private final String kind;
    private final MemorySegment table;
    private final MemorySegment lastError;
    private final MemorySegment alloc;
    private final MemorySegment free;
    private final MemorySegment copy;
    private final MemorySegment zero;
    private final MemorySegment synchronize;
    private final MemorySegment cast;
    private final MemorySegment outcome; // 8 bytes for results returned through a pointer
    private long stream = DEFAULT_STREAM; // another one while it is recorded
    private long allocatedBytes;

    /** @param table the library's it_api, checked to be of this program's ABI */
    NativeApi(String kind, MemorySegment table) {
        this.kind = kind;
        this.table = table;
        this.lastError = it_api.last_error(table);
        this.alloc = it_api.alloc(table);
        this.free = it_api.free(table);
        this.copy = it_api.copy(table);
        this.zero = it_api.zero(table);
        this.synchronize = it_api.stream_synchronize(table);
        this.cast = it_api.cast(table);
        this.outcome = java.lang.foreign.Arena.ofAuto().allocate(JAVA_LONG);
    }

    MemorySegment table() {
        return table;
    }

    /** Devices of this kind on this machine. */
    int deviceCount() {
        check(it_api.device_count.invoke(it_api.device_count(table), outcome));
        return outcome.get(JAVA_INT, 0);
    }

    /** Why the library finds no device, where {@link #deviceCount} is 0. */
    String whyNoDevice() {
        return it_api.init.invoke(it_api.init(table), 0, 0) == Intuitor.IT_OK() ? "" : reason();
    }

    /** Where all of this device's work is queued, or recorded, as its own libraries name it. */
    long stream() {
        return stream;
    }

    /** Whether work is recorded for a graph, and not done. */
    boolean isRecording() {
        return stream != DEFAULT_STREAM;
    }

    /** From now on work is recorded. */
    void beginGraph() {
        requireNotRecording("a recording");
        check(it_api.stream_create.invoke(it_api.stream_create(table), outcome));
        long recorded = outcome.get(JAVA_LONG, 0);
        int status = it_api.graph_begin.invoke(it_api.graph_begin(table), recorded);
        if (status != Intuitor.IT_OK()) {
            RuntimeException failure = failure(status);
            destroyStream(recorded);
            throw failure;
        }
        stream = recorded;
    }

    /** The graph of what was recorded. */
    long endGraph() {
        endRecording(outcome);
        return outcome.get(JAVA_LONG, 0);
    }

    /** Ends the recording without a graph. */
    void dropGraph() {
        endRecording(MemorySegment.NULL);
    }

    private void endRecording(MemorySegment graph) {
        long recorded = stream;
        stream = DEFAULT_STREAM;
        try {
            check(it_api.graph_end.invoke(it_api.graph_end(table), recorded, graph));
        } finally {
            destroyStream(recorded);
        }
    }

    private void destroyStream(long unused) {
        check(it_api.stream_destroy.invoke(it_api.stream_destroy(table), unused));
    }

    void launchGraph(long graph) {
        check(it_api.graph_launch.invoke(it_api.graph_launch(table), graph, stream));
    }

    void destroyGraph(long graph) {
        check(it_api.graph_destroy.invoke(it_api.graph_destroy(table), graph));
    }

    private void requireNotRecording(String what) {
        if (isRecording()) {
            throw new IllegalStateException(what + " cannot be recorded in a graph");
        }
    }

    void init(int device, int threads) {
        int status = it_api.init.invoke(it_api.init(table), device, threads);
        if (status == Intuitor.IT_INVALID()) { // a number of threads or an instruction set that the user asked for
            throw new UserError("cannot start the " + kind + " device: " + reason());
        }
        check(status);
    }

    DeviceInfo info() {
        try (var arena = java.lang.foreign.Arena.ofConfined()) {
            MemorySegment info = it_device_info.allocate(arena);
            check(it_api.device_info.invoke(it_api.device_info(table), info));
            return new DeviceInfo(kind, it_device_info.name(info).getString(0), it_device_info.isa(info).getString(0),
                    it_device_info.memory_bytes(info), it_device_info.threads(info),
                    it_device_info.bf16_dot(info) != 0);
        }
    }

    /** @param what who asks, for the message if there is not enough memory */
    long allocate(long bytes, String what) {
        int status = it_api.alloc.invoke(alloc, bytes, outcome);
        if (status == Intuitor.IT_OUT_OF_MEMORY()) {
            throw new UserError(String.format(Locale.ROOT,
                            "out of memory: %.2f GiB more for %s, %.2f GiB are in use already (%s);"
                                    + " use a smaller batch, shorter sequences or a smaller model",
                    (double) bytes / GIB, what, (double) allocatedBytes / GIB, reason()));
        }
        check(status);
        allocatedBytes += bytes;
        return outcome.get(JAVA_LONG, 0);
    }

    void free(long address, long bytes) {
        allocatedBytes -= bytes;
        check(it_api.free.invoke(free, address));
    }

    void copy(long dst, long src, long bytes, int kind) {
        if (kind != Intuitor.IT_DEVICE_TO_DEVICE()) {
            requireNotRecording("a copy between host and device");
        }
        check(it_api.copy.invoke(copy, dst, src, bytes, kind, stream));
    }

    void zero(long dst, long bytes) {
        check(it_api.zero.invoke(zero, dst, bytes, stream));
    }

    void cast(long dst, DType dstType, long src, DType srcType, long n) {
        check(it_api.cast.invoke(cast, dst, dstType.code(), src, srcType.code(), n, stream));
    }

    void synchronize() {
        requireNotRecording("waiting");
        check(it_api.stream_synchronize.invoke(synchronize, DEFAULT_STREAM));
    }

    long createEvent() {
        check(it_api.event_create.invoke(it_api.event_create(table), outcome));
        return outcome.get(JAVA_LONG, 0);
    }

    void destroyEvent(long event) {
        check(it_api.event_destroy.invoke(it_api.event_destroy(table), event));
    }

    void recordEvent(long event) {
        check(it_api.event_record.invoke(it_api.event_record(table), event, stream));
    }

    double elapsedMillis(long start, long end) {
        check(it_api.event_elapsed_ms.invoke(it_api.event_elapsed_ms(table), start, end, outcome));
        return outcome.get(JAVA_FLOAT, 0);
    }

    /** Throws if a call of the table did not return IT_OK. */
    void check(int status) {
        if (status != Intuitor.IT_OK()) {
            throw failure(status);
        }
    }

    private RuntimeException failure(int status) {
        String message = reason() + " (" + kind + " device)";
        if (status == Intuitor.IT_NO_DEVICE()) {
            return new UserError("no " + kind.toUpperCase(Locale.ROOT) + " device: " + reason());
        }
        if (status == Intuitor.IT_OUT_OF_MEMORY()) {
            return new UserError("out of memory: " + message);
        }
        if (status == Intuitor.IT_INVALID()) {
            return new IllegalArgumentException(message);
        }
        if (status == Intuitor.IT_UNSUPPORTED()) {
            return new UnsupportedOperationException(message);
        }
        return new IllegalStateException(message);
    }

    private String reason() {
        return it_api.last_error.invoke(lastError).reinterpret(Long.MAX_VALUE).getString(0);
    }
}
