package intuitor.device;

import intuitor.UserError;
import intuitor.device.abi.it_api;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A device library, initialised, with the matrix multiplication that goes with it. */
record Backend(NativeApi api, Blas blas) {

    /** @param kind "auto", "cpu", "cuda", or, for tests, "emu": the CUDA kernels on an emulated device */
    static Backend open(String kind, int threads) {
        return switch (kind) {
            // whyNotCuda() always finds a reason so far; the day it does not, auto prefers CUDA
            case "auto", "cpu" -> cpu(threads);
            case "emu" -> emulation();
            case "cuda" -> throw new UserError(whyNotCuda());
            default -> throw new UserError("unknown device '" + kind + "': it is auto, cpu or cuda");
        };
    }

    private static Backend cpu(int threads) {
        NativeLibrary library = NativeLibrary.CPU;
        MemorySegment table = NativeLibraries.deviceTable(library).orElseThrow(() -> new UserError(library.fileName()
                + " is missing: it belongs to the jar, and `make -C native` builds it beside loose classes"));
        List<String> missing = missing(table);
        if (!missing.isEmpty()) {
            throw new UserError(library.fileName() + " lacks " + String.join(", ", missing) + ": build it again");
        }
        NativeApi api = new NativeApi("cpu", table);
        api.init(0, threads);
        return new Backend(api, new OneDnn(api));
    }

    /** Its memory is the host's, so oneDNN multiplies for it. Kernels may be missing: calling one says so. */
    private static Backend emulation() {
        NativeLibrary library = NativeLibrary.EMULATION;
        MemorySegment table = NativeLibraries.deviceTable(library).orElseThrow(() -> new UserError(library.fileName()
                + " is missing: it is for tests, and `make -C native` builds it beside loose classes"));
        NativeApi api = new NativeApi("emu", table);
        api.init(0, 0);
        return new Backend(api, new OneDnn(api));
    }

    private static String whyNotCuda() {
        Optional<MemorySegment> table = NativeLibraries.deviceTable(NativeLibrary.CUDA);
        if (table.isEmpty()) {
            return "no CUDA device: this build has no CUDA library (nvcc was not installed when it was made)";
        }
        if (new NativeApi("cuda", table.get()).deviceCount() == 0) {
            return "no CUDA device: the driver reports none; use the CPU (--device cpu)";
        }
        List<String> missing = missing(table.get());
        return missing.isEmpty()
                ? "matrix multiplication on CUDA is not part of this build; use the CPU (--device cpu)"
                : "CUDA kernels that this build lacks: " + String.join(", ", missing) + "; use the CPU (--device cpu)";
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
