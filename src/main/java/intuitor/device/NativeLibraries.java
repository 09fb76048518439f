package intuitor.device;

import intuitor.UserError;
import intuitor.device.abi.Intuitor;
import intuitor.device.abi.it_api;
import intuitor.device.dnnl.Dnnl;
import intuitor.device.dnnl.dnnl_version_t;
import intuitor.device.lab.it_lab;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Loads the native libraries, each once and for the life of the process.
 *
 * <p>libgomp comes first, by its path: the dynamic linker then gives that very copy to the CPU kernels and to oneDNN,
 * which thus share one pool of threads instead of keeping two that fight for the cores.
 */
public final class NativeLibraries {

    /**
     * One library, for people.
     *
     * @param name   file name
     * @param path   where it is, empty if it is not there
     * @param detail version and instruction set, or why it cannot be used
     */
    public record Description(String name, Optional<Path> path, String detail) {
    }

    private static final Set<NativeLibrary> LOADED = EnumSet.noneOf(NativeLibrary.class);

    private NativeLibraries() {
    }

    /** Every library this program may use: where it is, and its version or what is wrong with it. */
    public static synchronized List<Description> describe() {
        List<Description> all = new ArrayList<>();
        all.add(describe(NativeLibrary.CPU, () -> "ABI " + version(deviceTable(NativeLibrary.CPU).orElseThrow())));
        all.add(describe(NativeLibrary.CUDA, () -> {
            NativeApi api = new NativeApi("cuda", deviceTable(NativeLibrary.CUDA).orElseThrow());
            int devices = api.deviceCount();
            return "ABI " + version(api.table()) + ", " + (devices == 0 ? "no CUDA device" : devices + " devices");
        }));
        all.add(describe(NativeLibrary.OPENMP, () -> "one copy for the CPU kernels and oneDNN"));
        all.add(describe(NativeLibrary.ONEDNN, () -> {
            loadOneDnn();
            MemorySegment v = Dnnl.dnnl_version();
            return dnnl_version_t.major(v) + "." + dnnl_version_t.minor(v) + "." + dnnl_version_t.patch(v);
        }));
        all.add(!LOADED.contains(NativeLibrary.OPENCL) && systemHas(NativeLibrary.OPENCL)
                ? new Description(NativeLibrary.OPENCL.fileName(), Optional.empty(), "the system's; oneDNN asks for it")
                : describe(NativeLibrary.OPENCL, () -> "in place of the system's; oneDNN asks for it"));
        all.add(describe(NativeLibrary.TOKENIZERS, () -> {
            loadTokenizers();
            return "Hugging Face tokenizers";
        }));
        return all;
    }

    private interface Detail {
        String get();
    }

    private static Description describe(NativeLibrary library, Detail detail) {
        Optional<Path> path = Optional.empty();
        try {
            path = NativeFiles.find(library);
            return new Description(library.fileName(), path, path.isPresent() ? detail.get() : "not in this build");
        } catch (UserError e) {
            return new Description(library.fileName(), path, e.getMessage());
        }
    }

    /** The function table of a device library, or nothing if this build has no such library. */
    static synchronized Optional<MemorySegment> deviceTable(NativeLibrary library) {
        Optional<Path> path = NativeFiles.find(library);
        if (path.isEmpty()) {
            return Optional.empty();
        }
        load(NativeLibrary.OPENMP);
        return Optional.of(table(path.get()));
    }

    /** Loads oneDNN, for the bindings in {@code intuitor.device.dnnl}. */
    static synchronized void loadOneDnn() {
        load(NativeLibrary.OPENMP);
        if (!LOADED.contains(NativeLibrary.OPENCL) && !systemHas(NativeLibrary.OPENCL)) {
            load(NativeLibrary.OPENCL);
        }
        if (LOADED.contains(NativeLibrary.ONEDNN)) {
            return;
        }
        if (!load(NativeLibrary.ONEDNN)) {
            throw new UserError(NativeLibrary.ONEDNN.fileName() + " is missing: it belongs to the jar, and beside "
                    + "loose classes org.bytedeco:dnnl:linux-x86_64 belongs on the class path");
        }
        LinkerTables.release(NativeFiles.find(NativeLibrary.ONEDNN).orElseThrow());
    }

    /** Loads Hugging Face's tokenizers, for DJL's {@code TokenizersLibrary}; it uses no device. */
    public static synchronized void loadTokenizers() {
        if (!load(NativeLibrary.TOKENIZERS)) {
            throw new UserError(NativeLibrary.TOKENIZERS.fileName() + " is missing: it belongs to the jar, and beside "
                    + "loose classes ai.djl.huggingface:tokenizers belongs on the class path");
        }
    }

    /** Loads a library for this class loader; false if this build does not have it. */
    private static boolean load(NativeLibrary library) {
        if (LOADED.contains(library)) {
            return true;
        }
        Optional<Path> path = NativeFiles.find(library);
        if (path.isEmpty()) {
            return false;
        }
        if (library == NativeLibrary.OPENMP) {
            OpenMpWaiting.settle();
        }
        try {
            System.load(path.get().toString());
        } catch (UnsatisfiedLinkError e) {
            throw new UserError("cannot load " + path.get() + ": " + e.getMessage(), e);
        }
        LOADED.add(library);
        return true;
    }

    private static boolean systemHas(NativeLibrary library) {
        try {
            SymbolLookup.libraryLookup(library.fileName(), java.lang.foreign.Arena.global());
            return true;
        } catch (IllegalArgumentException notThere) {
            return false;
        }
    }

    /** The lab of a library that has one and is in use. */
    static MemorySegment lab(NativeLibrary library) {
        return call(NativeFiles.find(library).orElseThrow(), "intuitor_get_lab").reinterpret(it_lab.sizeof());
    }

    /** What a function without parameters returns. Several libraries export it: it is looked up in this one alone. */
    private static MemorySegment call(Path library, String function) {
        SymbolLookup symbols;
        try {
            symbols = SymbolLookup.libraryLookup(library, java.lang.foreign.Arena.global());
        } catch (IllegalArgumentException e) {
            throw new UserError("cannot load " + library + ": " + e.getMessage(), e);
        }
        MemorySegment entry = symbols.find(function)
                .orElseThrow(() -> new UserError(library + " is not a device library: it has no " + function));
        try {
            return (MemorySegment) Linker.nativeLinker().downcallHandle(entry,
                    FunctionDescriptor.of(ValueLayout.ADDRESS)).invokeExact();
        } catch (Throwable e) {
            throw new IllegalStateException(function + " of " + library, e);
        }
    }

    private static MemorySegment table(Path library) {
        MemorySegment table = call(library, "intuitor_get_api").reinterpret(it_api.sizeof());
        if (it_api.abi_version(table) != Intuitor.IT_ABI_VERSION() || it_api.table_bytes(table) != it_api.sizeof()) {
            throw new UserError(library + " is of another version (ABI " + it_api.abi_version(table) + ", "
                    + it_api.table_bytes(table) + " bytes; this program needs ABI " + Intuitor.IT_ABI_VERSION() + ", "
                    + it_api.sizeof() + " bytes): build it again");
        }
        return table;
    }

    private static int version(MemorySegment table) {
        return it_api.abi_version(table);
    }
}
