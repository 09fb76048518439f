package intuitor.device;

import intuitor.UserError;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Loads NVIDIA's libraries, each once and for the life of the process, from where {@link CudaSearch} finds them. */
public final class CudaLibraries {

    private static final Map<CudaLibrary, Path> LOADED = new EnumMap<>(CudaLibrary.class);

    private CudaLibraries() {
    }

    /**
     * Every library of NVIDIA's that this program may use: where it is, and its version, or how to get it.
     *
     * @param given the folder asked for, or null
     */
    public static List<NativeLibraries.Description> describe(Path given) {
        CudaSearch search = CudaSearch.here(given);
        List<NativeLibraries.Description> all = new ArrayList<>();
        all.add(describe(search, CudaLibrary.CUBLASLT, "cublasLtGetVersion"));
        all.add(describe(search, CudaLibrary.CUDNN, "cudnnGetVersion"));
        all.add(describe(search, CudaLibrary.NVRTC));
        return all;
    }

    /** Where a library is, or how to get it. */
    private static NativeLibraries.Description describe(CudaSearch search, CudaLibrary library) {
        return search.find(library).map(found -> new NativeLibraries.Description(
                found.file().getFileName().toString(), Optional.of(found.file()), "by way of " + found.where()))
                .orElseGet(() -> new NativeLibraries.Description(library.fileNames().getFirst(), Optional.empty(),
                        "not found; " + library.purpose() + "; " + library.remedy() + ", or name its folder with "
                                + CudaSearch.FLAG));
    }

    /** Its version too, which this function of the library returns. */
    private static NativeLibraries.Description describe(CudaSearch search, CudaLibrary library, String function) {
        Optional<CudaSearch.Found> found = search.find(library);
        if (found.isEmpty()) {
            return describe(search, library);
        }
        Path file = found.get().file();
        String detail;
        try { // global: not every library bears being unloaded
            long version = (long) Linker.nativeLinker().downcallHandle(
                    SymbolLookup.libraryLookup(file, java.lang.foreign.Arena.global()).find(function).orElseThrow(),
                    FunctionDescriptor.of(ValueLayout.JAVA_LONG)).invokeExact();
            detail = version / 10_000 + "." + version / 100 % 100 + "." + version % 100 + ", by way of "
                    + found.get().where();
        } catch (Throwable e) {
            detail = "by way of " + found.get().where() + ", but it cannot be loaded: " + e.getMessage();
        }
        return new NativeLibraries.Description(file.getFileName().toString(), Optional.of(file), detail);
    }

    /**
     * Loads a library for the bindings, if that has not happened yet.
     *
     * @param given the folder asked for, or null
     * @return the library's file
     * @throws UserError if it is not there or cannot be loaded
     */
    static synchronized Path load(CudaLibrary library, Path given) {
        Path loaded = LOADED.get(library);
        if (loaded != null) {
            return loaded;
        }
        CudaSearch search = CudaSearch.here(given);
        Path file = search.find(library).map(CudaSearch.Found::file)
                .orElseThrow(() -> new UserError("CUDA needs " + library.namesInWords() + ", which was not found: "
                        + library.remedy() + ", or name its folder with " + CudaSearch.FLAG));
        if (library == CudaLibrary.CUDNN) {
            loadCompiler(search);
        }
        try {
            System.load(file.toString());
        } catch (UnsatisfiedLinkError e) {
            throw new UserError("cannot load " + file + ": " + e.getMessage(), e);
        }
        LOADED.put(library, file);
        return file;
    }

    /**
     * cuDNN asks the dynamic linker for NVRTC by its name, and NVRTC for its built-in functions. In NVIDIA's Python
     * packages the linker finds neither, unless they are loaded already. Where they are missing or unfit, cuDNN still
     * has kernels that are compiled.
     */
    static void loadCompiler(CudaSearch search) {
        search.find(CudaLibrary.NVRTC).map(CudaSearch.Found::file).ifPresent(nvrtc -> {
            List<Path> files = new ArrayList<>(CudaSearch.matching(nvrtc.getParent(), "libnvrtc-builtins.so.*"));
            files.add(nvrtc);
            for (Path file : files) {
                try { // global: to stay loaded
                    SymbolLookup.libraryLookup(file, java.lang.foreign.Arena.global());
                } catch (IllegalArgumentException unfit) {
                    // cuDNN says so if it matters
                }
            }
        });
    }

    /** Whether the dynamic linker finds the driver's library. */
    public static boolean driverIsInstalled() {
        try {
            SymbolLookup.libraryLookup("libcuda.so.1", java.lang.foreign.Arena.global());
            return true;
        } catch (IllegalArgumentException notThere) {
            return false;
        }
    }
}
