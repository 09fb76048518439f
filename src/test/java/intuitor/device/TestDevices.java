package intuitor.device;

import static org.junit.jupiter.api.Assumptions.abort;

import intuitor.UserError;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Where tests compute. The property {@code intuitor.test.device} names the device ("cpu"; "emu" for the CUDA kernels on
 * an emulated device; "cuda"), {@code intuitor.test.storage} the type in which tests of kernels store weights and
 * activations (F32, BF16).
 */
public final class TestDevices {

    /** Kind of the device under test. */
    public static final String KIND = System.getProperty("intuitor.test.device", "cpu");

    /** Storage type under test. */
    static final DType STORAGE = DType.valueOf(System.getProperty("intuitor.test.storage", "F32"));

    /** A device, a storage type and an implementation of attention to compare with fp32 on the CPU. */
    public record Target(String kind, DType storage, PackedAttention.Library attention) {

        Target(String kind, DType storage) {
            this(kind, storage, PackedAttention.Library.NATIVE);
        }

        public boolean isFp32() {
            return storage == DType.F32;
        }

        /** Opens the device; where there is none, the test is skipped and the reason printed. */
        public Device open() {
            return openOrSkip(kind, attention);
        }

        @Override
        public String toString() {
            return kind + " " + storage + (attention == PackedAttention.Library.CUDNN ? " cuDNN" : "");
        }
    }

    /**
     * All that whole models are compared on. Where a device other than the CPU is under test it is that one alone (a
     * GPU's host has no emulated device); the property {@code intuitor.test.attention} (native, cudnn) leaves one
     * attention.
     */
    public static final List<Target> TARGETS = Stream.of("emu", "cuda").filter(kind -> !isCuda() || kind.equals(KIND))
            .flatMap(kind -> Stream.of(new Target(kind, DType.F32), new Target(kind, DType.BF16),
                    new Target(kind, DType.BF16, PackedAttention.Library.CUDNN)))
            .filter(target -> target.attention.name().equalsIgnoreCase(
                    System.getProperty("intuitor.test.attention", target.attention.name()))).toList();

    private TestDevices() {
    }

    /** The device under test. */
    public static Device open(int threads) {
        return Device.open(KIND, threads);
    }

    /**
     * A device on which work can be recorded: the GPU if it is the device under test, else the emulated one with a
     * stand-in for cuBLASLt.
     *
     * @param graphs whether work that repeats is to be recorded
     */
    public static Device recording(boolean graphs) {
        if (KIND.equals("cuda")) {
            return Device.open(KIND, 1, null, PackedAttention.Library.NATIVE, graphs);
        }
        CudaLibraries.load(CudaLibrary.CUBLASLT, StandIn.cublasLt().getParent());
        return new Device(Backend.open("emu", 1, null).api(), CublasLt::new,
                arena -> new NativeAttention(arena.device().kernels()), graphs);
    }

    /** Where tests of what the CPU has not compute: the GPU if it is the device under test, else the emulated one. */
    static Device openForCuda(int threads) {
        return Device.open(KIND.equals("cuda") ? KIND : "emu", threads);
    }

    /** Whether this device has the kernels for sm_90a: the emulated one has, not every GPU does. */
    static boolean isHopper(Device device) {
        return device.info().isa().equals("sm_90a");
    }

    /** Where this device has no kernels for sm_90a, the test is skipped and the reason printed. */
    public static void requireHopper(Device device, String what) {
        if (!isHopper(device)) {
            throw skip(what, device.info().name() + " has none");
        }
    }

    /** Whether the device under test runs the CUDA kernels. */
    public static boolean isCuda() {
        return !KIND.equals("cpu");
    }

    /** Where there is no device of this kind, the test is skipped and the reason printed. */
    public static void require(String kind) {
        openOrSkip(kind, PackedAttention.Library.NATIVE).close();
    }

    private static Device openOrSkip(String kind, PackedAttention.Library attention) {
        try {
            // the emulated device has a stand-in for cuDNN
            Path libraries = attention == PackedAttention.Library.CUDNN && kind.equals("emu") ? StandIn.cudnn() : null;
            return Device.open(kind, 2, libraries, attention);
        } catch (UserError e) {
            if (!kind.equals("cuda")) {
                throw e; // the others are everywhere
            }
            throw skip("tests on " + kind, e.getMessage());
        }
    }

    /**
     * The folder that holds a build of the emulated device; where there is none, the test is skipped and the reason
     * printed.
     *
     * @param build "" for the usual one, "asan" for that with AddressSanitizer
     */
    static Path emulationBuild(String build) {
        Path folder = NativeFiles.find(NativeLibrary.EMULATION).orElseThrow().resolveSibling(build);
        if (!Files.exists(folder.resolve("emulator_test"))) {
            throw skip("tests of the emulated device", folder + " has no emulator_test: this machine lacks "
                    + "AddressSanitizer's library (libasan)");
        }
        return folder;
    }

    /** Skips the test that is running. */
    public static RuntimeException skip(String what, String reason) {
        System.out.println("[skipped] " + what + ": " + reason);
        return abort(reason);
    }
}
