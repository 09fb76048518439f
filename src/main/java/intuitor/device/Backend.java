package intuitor.device;

import intuitor.UserError;
import intuitor.device.abi.it_api;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * A device library, initialised, with the matrix multiplication that goes with it.
 *
 * @param blas makes it; what memory it needs on the device, it takes from the arena
 */
record Backend(NativeApi api, Function<Arena, Blas> blas) {

    /**
     * @param kind          "auto", "cpu", "cuda", or, for tests, "emu": the CUDA kernels on an emulated device
     * @param cudaLibraries folder to look for NVIDIA's libraries in, or null
     */
    static Backend open(String kind, int threads, Path cudaLibraries) {
        return switch (kind) {
            case "auto" -> whyNotCuda().isEmpty() ? cuda(cudaLibraries) : cpu(threads);
            case "cpu" -> cpu(threads);
            case "emu" -> emulation();
            case "cuda" -> {
                whyNotCuda().ifPresent(reason -> {
                    throw new UserError(reason + ", or use the CPU (--device cpu)");
                });
                yield cuda(cudaLibraries);
            }
            default -> throw new UserError("device: expected auto, cpu or cuda, found '" + kind + "'");
        };
    }

    /** Makes the attention asked for, out of an arena of the device. */
    Function<Arena, PackedAttention> attention(PackedAttention.Library library, Path cudaLibraries) {
        if (library == PackedAttention.Library.NATIVE) {
            return arena -> new NativeAttention(arena.device().kernels());
        }
        if (api.info().kind().equals("cpu")) {
            throw new UserError("attention: cudnn needs an NVIDIA GPU; give attention native");
        }
        CudaLibraries.load(CudaLibrary.CUDNN, cudaLibraries);
        return arena -> new CudnnAttention(arena, arena.device().kernels());
    }

    private static Backend cpu(int threads) {
        NativeApi api = onHost("cpu", NativeLibrary.CPU, "it belongs to the jar");
        api.init(0, threads);
        return new Backend(api, arena -> new OneDnn(api));
    }

    /** Its memory is the host's, so oneDNN multiplies for it. */
    private static Backend emulation() {
        NativeApi api = onHost("emu", NativeLibrary.EMULATION, "it is for tests");
        api.init(0, 0);
        return new Backend(api, arena -> new OneDnn(api));
    }

    private static NativeApi onHost(String kind, NativeLibrary library, String whence) {
        MemorySegment table = NativeLibraries.deviceTable(library).orElseThrow(() -> new UserError(library.fileName()
                + " is missing: " + whence + ", and `make -C native` builds it beside loose classes"));
        List<String> missing = missing(table);
        if (!missing.isEmpty()) {
            throw new UserError(library.fileName() + " lacks " + String.join(", ", missing) + ": build it again");
        }
        return new NativeApi(kind, table);
    }

    /** Without cuBLASLt it throws, for "auto" too: slow work on the CPU is not what a GPU's owner expects. */
    private static Backend cuda(Path libraries) {
        NativeApi api = new NativeApi("cuda", NativeLibraries.deviceTable(NativeLibrary.CUDA).orElseThrow());
        CudaLibraries.load(CudaLibrary.CUBLASLT, libraries);
        api.init(0, 0);
        return new Backend(api, CublasLt::new);
    }

    /** Why no GPU can be used here, and what would change that; nothing if one can. */
    private static Optional<String> whyNotCuda() {
        try {
            return whyNoGpu().or(() -> {
                List<String> missing = missing(NativeLibraries.deviceTable(NativeLibrary.CUDA).orElseThrow());
                return missing.isEmpty() ? Optional.empty() : Optional.of("CUDA kernels that this build lacks: "
                        + String.join(", ", missing) + "; build it again");
            });
        } catch (UserError unusable) {
            return Optional.of(unusable.getMessage());
        }
    }

    /** As {@link Device#whyNoGpu}. */
    static Optional<String> whyNoGpu() {
        Optional<MemorySegment> table = NativeLibraries.deviceTable(NativeLibrary.CUDA);
        if (table.isEmpty()) {
            return Optional.of("no CUDA device: this build has no CUDA library; build it where nvcc is installed");
        }
        NativeApi api = new NativeApi("cuda", table.get());
        return api.deviceCount() > 0 ? Optional.empty()
                : Optional.of("no CUDA device: " + (CudaLibraries.driverIsInstalled()
                        ? api.whyNoDevice() + "; nvidia-smi names the GPU and its driver"
                        : "no NVIDIA driver is installed (libcuda.so.1); install it on a machine with a GPU"));
    }

    /** Names of the table's null pointers. */
    private static List<String> missing(MemorySegment table) {
        List<String> names = new ArrayList<>();
        long offset = 0;
        for (MemoryLayout member : it_api.layout().memberLayouts()) {
            if (member instanceof AddressLayout pointer
                    && table.get(pointer, offset).equals(MemorySegment.NULL)) {
                names.add(member.name().orElseThrow());
            }
            offset += member.byteSize();
        }
        return names;
    }
}
