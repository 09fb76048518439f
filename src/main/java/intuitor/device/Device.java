package intuitor.device;

import intuitor.UserError;
import intuitor.device.abi.Intuitor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * One processor with its memory: the CPU, or a GPU. All use of a device, its arenas and its tensors is by the thread
 * that opened it. Work is queued in order; what is downloaded is complete.
 */
public final class Device implements AutoCloseable {

    private static final int STAGING_BYTES = 1 << 20;

    private final NativeApi api;
    private final DeviceInfo info;
    private final Kernels kernels;
    private final Function<Arena, Blas> blasMaker;
    private final Function<Arena, PackedAttention> attentionMaker;
    private Blas blas; // these two are made when first needed: on a GPU they take time and memory
    private PackedAttention attention;
    private final boolean graphs;
    private final Thread thread = Thread.currentThread();
    private final java.lang.foreign.Arena hostMemory = java.lang.foreign.Arena.ofConfined();
    private final MemorySegment hostStaging; // between Java's heap and the device
    private final List<Arena> arenas = new ArrayList<>();
    private Tensor deviceStaging; // for conversions; made when first needed
    private boolean closed;

    /**
     * @param blas      makes what multiplies matrices, out of an arena of the device
     * @param attention likewise
     */
    Device(NativeApi api, Function<Arena, Blas> blas, Function<Arena, PackedAttention> attention) {
        this(api, blas, attention, false);
    }

    /** @param graphs whether work that repeats is to be recorded */
    Device(NativeApi api, Function<Arena, Blas> blas, Function<Arena, PackedAttention> attention, boolean graphs) {
        this.api = api;
        this.graphs = graphs;
        this.info = api.info();
        this.kernels = new Kernels(api);
        this.hostStaging = hostMemory.allocate(STAGING_BYTES, 64);
        this.blasMaker = blas;
        this.attentionMaker = attention;
    }

    /**
     * Opens a device.
     *
     * @param kind    "cpu", "cuda", or "auto": a GPU if there is one that can do everything, else the CPU
     * @param threads CPU threads to use, 0 for one per core
     * @throws intuitor.UserError if this machine has no such device
     */
    public static Device open(String kind, int threads) {
        return open(kind, threads, null, PackedAttention.Library.NATIVE);
    }

    /**
     * Opens a device.
     *
     * @param cudaLibraries folder to look for NVIDIA's libraries in before all others, or null
     * @param attention     whose kernels compute the attention of packed batches
     */
    public static Device open(String kind, int threads, Path cudaLibraries, PackedAttention.Library attention) {
        return open(kind, threads, cudaLibraries, attention, false);
    }

    /**
     * Opens a device.
     *
     * @param cudaLibraries folder to look for NVIDIA's libraries in before all others, or null
     * @param attention     whose kernels compute the attention of packed batches
     * @param graphs        whether the steps of generation are recorded in CUDA graphs
     */
    public static Device open(String kind, int threads, Path cudaLibraries, PackedAttention.Library attention,
            boolean graphs) {
        Backend backend = Backend.open(kind, threads, cudaLibraries);
        if (graphs && !backend.api().info().isGpu()) {
            throw new UserError("cuda_graphs: needs an NVIDIA GPU; leave it out");
        }
        return new Device(backend.api(), backend.blas(), backend.attention(attention, cudaLibraries), graphs);
    }

    /**
     * Why this machine, or this build, has no GPU to open, and what would change that; nothing if there is one, whether
     * or not all that it takes to use it is there.
     *
     * @throws UserError if the CUDA library of this build cannot be loaded
     */
    public static Optional<String> whyNoGpu() {
        return Backend.whyNoGpu();
    }

    public DeviceInfo info() {
        return info;
    }

    /** Bytes that a program may use: a GPU's memory, or the machine's or, in a container, that container's. */
    public long memoryBytes() {
        return info.isGpu() ? info.memoryBytes() : ((com.sun.management.OperatingSystemMXBean)
                ManagementFactory.getOperatingSystemMXBean()).getTotalMemorySize();
    }

    public Kernels kernels() {
        return kernels;
    }

    public Blas blas() {
        if (blas == null) {
            blas = blasMaker.apply(arena("matrix multiplication"));
        }
        return blas;
    }

    /** The attention of packed batches. */
    public PackedAttention attention() {
        if (attention == null) {
            attention = attentionMaker.apply(arena("attention"));
        }
        return attention;
    }

    /** This program's own attention of packed batches, whatever is in use: to measure one beside the other. */
    public PackedAttention nativeAttention() {
        return new NativeAttention(kernels);
    }

    /** A new root arena; it is closed with the device at the latest. */
    public Arena arena(String name) {
        if (closed) {
            throw new IllegalStateException("the device is closed: cannot make arena '" + name + "'");
        }
        Arena arena = new Arena(this, name);
        arenas.add(arena);
        return arena;
    }

    /** A new clock for work on this device. */
    public Stopwatch stopwatch() {
        return new Stopwatch(api);
    }

    /** Whether work that repeats is to be recorded ({@link #record}). */
    public boolean usesGraphs() {
        return graphs && blas().isRecorded();
    }

    /**
     * Records work instead of doing it. It must not look at what it computes: no copies between host and device, no
     * waiting. All that it calls has been called before, so that nothing has to be loaded meanwhile.
     */
    public DeviceGraph record(Runnable work) {
        return DeviceGraph.record(api, work);
    }

    /** Waits until all queued work is done. */
    public void synchronize() {
        api.synchronize();
    }

    /** dst = src, fp32. */
    public void upload(Tensor dst, float[] src) {
        requireHost("upload", dst, DType.F32, src.length);
        upload(dst, MemorySegment.ofArray(src));
    }

    /** dst = src, int32. */
    public void upload(Tensor dst, int[] src) {
        requireHost("upload", dst, DType.I32, src.length);
        upload(dst, MemorySegment.ofArray(src));
    }

    /** dst = src, int64. */
    public void upload(Tensor dst, long[] src) {
        requireHost("upload", dst, DType.I64, src.length);
        upload(dst, MemorySegment.ofArray(src));
    }

    /** dst = src, fp32. */
    public void download(float[] dst, Tensor src) {
        requireHost("download", src, DType.F32, dst.length);
        download(MemorySegment.ofArray(dst), src);
    }

    /** dst = src, int32. */
    public void download(int[] dst, Tensor src) {
        requireHost("download", src, DType.I32, dst.length);
        download(MemorySegment.ofArray(dst), src);
    }

    /** dst = src, fp64. */
    public void download(double[] dst, Tensor src) {
        requireHost("download", src, DType.F64, dst.length);
        download(MemorySegment.ofArray(dst), src);
    }

    /** dst = src, same type and size. */
    public void copy(Tensor dst, Tensor src) {
        if (Checks.ENABLED) {
            Checks.required("copy", "dst", dst.view(dst.size()), src.dtype(), src.size());
        }
        api.copy(dst.address(), src.address(), src.bytes(), Intuitor.IT_DEVICE_TO_DEVICE());
    }

    /** t = 0. */
    public void zero(Tensor t) {
        api.zero(t.address(), t.bytes());
    }

    /** dst = (dst type) src, element by element, round to nearest even; F32, BF16 and F16. */
    public void cast(Tensor dst, Tensor src) {
        if (Checks.ENABLED) {
            Checks.that(dst.size() == src.size(), "cast", dst + " and " + src + " differ in size");
        }
        api.cast(dst.address(), dst.dtype(), src.address(), src.dtype(), src.size());
    }

    /**
     * dst = the elements of type srcType that lie in the file from byteOffset on, converted. The file's pages do not
     * stay in this process's memory.
     */
    public void load(Tensor dst, MappedFile src, long byteOffset, DType srcType) {
        MemorySegment bytes = src.slice(byteOffset, dst.size() * srcType.bytes());
        if (srcType == dst.dtype()) {
            api.copy(dst.address(), bytes.address(), bytes.byteSize(), Intuitor.IT_HOST_TO_DEVICE());
            synchronize();
            bytes.unload();
            return;
        }
        long chunk = STAGING_BYTES / srcType.bytes();
        for (long from = 0; from < dst.size(); from += chunk) {
            long n = Math.min(chunk, dst.size() - from);
            long staging = deviceStaging();
            api.copy(staging, bytes.address() + from * srcType.bytes(), n * srcType.bytes(),
                    Intuitor.IT_HOST_TO_DEVICE());
            api.cast(dst.address() + from * dst.dtype().bytes(), dst.dtype(), staging, srcType, n);
            synchronize();
        }
        bytes.unload();
    }

    /** Writes the elements of src, converted to a type, in little-endian order. */
    public void store(Tensor src, DType as, WritableByteChannel out) throws IOException {
        long chunk = STAGING_BYTES / as.bytes();
        for (long from = 0; from < src.size(); from += chunk) {
            long n = Math.min(chunk, src.size() - from);
            long address = src.address() + from * src.dtype().bytes();
            if (as != src.dtype()) {
                api.cast(deviceStaging(), as, address, src.dtype(), n);
                address = deviceStaging();
            }
            api.copy(hostStaging.address(), address, n * as.bytes(), Intuitor.IT_DEVICE_TO_HOST());
            synchronize();
            ByteBuffer buffer = hostStaging.asSlice(0, n * as.bytes()).asByteBuffer();
            while (buffer.hasRemaining()) {
                out.write(buffer);
            }
        }
    }

    /** Frees everything: its arenas, and what the library holds. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (attention != null) {
            attention.close();
        }
        while (!arenas.isEmpty()) {
            arenas.getLast().close();
        }
        if (blas != null) {
            blas.close();
        }
        hostMemory.close();
    }

    NativeApi api() {
        return api;
    }

    void forget(Arena root) {
        arenas.remove(root);
    }

    void requireThread() {
        if (Thread.currentThread() != thread) {
            throw new IllegalStateException("the device was opened by thread '" + thread.getName()
                    + "' and is used by '" + Thread.currentThread().getName() + "'");
        }
    }

    /** Whether tensors do not hold what was last computed, because that is recorded and not done. */
    boolean isRecording() {
        return api.isRecording();
    }

    /** Fills new memory with ones, which read as NaN or -1; not while work is recorded. */
    void poison(Tensor t) {
        if (isRecording()) {
            return;
        }
        hostStaging.asSlice(0, Math.min(t.bytes(), STAGING_BYTES)).fill((byte) 0xFF);
        for (long from = 0; from < t.bytes(); from += STAGING_BYTES) {
            api.copy(t.address() + from, hostStaging.address(), Math.min(STAGING_BYTES, t.bytes() - from),
                    Intuitor.IT_HOST_TO_DEVICE());
        }
        synchronize();
    }

    private void upload(Tensor dst, MemorySegment src) {
        for (long from = 0; from < src.byteSize(); from += STAGING_BYTES) {
            long n = Math.min(STAGING_BYTES, src.byteSize() - from);
            MemorySegment.copy(src, from, hostStaging, 0, n);
            api.copy(dst.address() + from, hostStaging.address(), n, Intuitor.IT_HOST_TO_DEVICE());
            synchronize();
        }
    }

    private void download(MemorySegment dst, Tensor src) {
        for (long from = 0; from < dst.byteSize(); from += STAGING_BYTES) {
            long n = Math.min(STAGING_BYTES, dst.byteSize() - from);
            api.copy(hostStaging.address(), src.address() + from, n, Intuitor.IT_DEVICE_TO_HOST());
            synchronize();
            MemorySegment.copy(hostStaging, 0, dst, from, n);
        }
    }

    /** These move whole arrays, so a wrong size would overwrite memory: checked always. */
    private static void requireHost(String call, Tensor t, DType dtype, int length) {
        if (t.dtype() != dtype || t.size() != length) {
            throw new IllegalArgumentException(
                    call + ": " + t + " does not hold " + length + " elements of type " + dtype);
        }
    }

    private long deviceStaging() {
        if (deviceStaging == null) {
            deviceStaging = arena("staging").allocate("staging", DType.F32, STAGING_BYTES / DType.F32.bytes());
        }
        return deviceStaging.address();
    }
}
