package intuitor.cli;

import com.sun.management.OperatingSystemMXBean;
import intuitor.UserError;
import intuitor.device.CudaLibraries;
import intuitor.device.Device;
import intuitor.device.DeviceInfo;
import intuitor.device.NativeLibraries;
import intuitor.device.PackedAttention;
import intuitor.eval.sandbox.PythonSandbox;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code intuitor doctor}: what this machine has that the engine uses, and what to do about what is missing. */
@Command(
        name = "doctor",
        description = "Shows what this machine offers the engine: Java, processor, memory, libraries, GPU; and what "
                + "is missing.",
        footer = {
            "",
            "Exit status 0 if a model can be trained here (on the CPU at least), 2 if not."
        })
final class DoctorCommand extends BaseCommand {

    /** Processor features that decide which kernels run and how fast. */
    private static final Set<String> FEATURES =
            Set.of("avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "amx_bf16");
    private static final Map<String, String> BUILD_TOOLS = new TreeMap<>(Map.of(
            "g++", "needed to build (apt-get install -y g++)",
            "make", "needed to build (apt-get install -y make)",
            "nvcc", "without it a build has no CUDA library (CUDA toolkit, developer.nvidia.com)"));
    private static final double GIB = 1L << 30;
    private static final String CONTINUED = "";

    @Option(names = "--cuda-libraries", paramLabel = "DIR",
            description = "folder to look for NVIDIA's libraries in before all others")
    private Path cudaLibraries;

    @Override
    public Integer call() {
        line("intuitor", new Main.Version().getVersion()[0].substring("intuitor ".length()));
        line("java", System.getProperty("java.version") + ", " + System.getProperty("java.vendor") + ", in "
                + System.getProperty("java.home"));
        line("system", System.getProperty("os.name") + " " + System.getProperty("os.version") + ", "
                + System.getProperty("os.arch"));
        boolean ready = cpu();
        memory();
        gpu();
        libraries("libraries", NativeLibraries.describe());
        cudaLibraries();
        line("sandbox", PythonSandbox.status());
        buildTools();
        out().println();
        out().println(ready
                ? "Ready: " + Program.command() + " train"
                : "Not ready: the CPU library does not work here, see above; all else depends on it.");
        return ready ? CommandLine.ExitCode.OK : Errors.USER;
    }

    private boolean cpu() {
        int cores = Runtime.getRuntime().availableProcessors();
        boolean works = true;
        try (Device device = Device.open("cpu", 0)) {
            DeviceInfo info = device.info();
            line("processor", info.name() + ", " + cores + (cores == 1 ? " core" : " cores"));
            line("kernels", info.isa() + ", " + info.threads() + " threads"
                    + (info.bf16Dot() ? ", multiplies bf16 natively" : ""));
        } catch (UserError e) {
            line("processor", cores + " cores");
            line("kernels", "MISSING: " + e.getMessage());
            works = false;
        }
        String features = String.join(" ", features());
        if (!features.isEmpty()) {
            line("features", features);
        }
        return works;
    }

    private void memory() {
        OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        line("memory", String.format("%.1f GiB, %.1f GiB of it free; Java's heap may take %.1f GiB "
                + "(tensors lie outside it)", system.getTotalMemorySize() / GIB, available(system) / GIB,
                Runtime.getRuntime().maxMemory() / GIB));
    }

    /**
     * What could be had without swapping: the kernel's own estimate, as free memory leaves out what the caches hold.
     */
    private static double available(OperatingSystemMXBean system) {
        for (String line : lines(Path.of("/proc/meminfo"))) {
            if (line.startsWith("MemAvailable:")) {
                long kib = Long.parseLong(line.replaceAll("\\D", ""));
                return Math.min(kib * 1024.0, system.getTotalMemorySize());
            }
        }
        return system.getFreeMemorySize();
    }

    private void gpu() {
        List<String> driver = lines(Path.of("/proc/driver/nvidia/version"));
        line("driver", driver.isEmpty() ? "no NVIDIA driver (needed for a GPU only)"
                : driver.get(0).replaceAll("\\s+", " "));
        try (Device device = Device.open("cuda", 0, cudaLibraries, PackedAttention.Library.NATIVE)) {
            DeviceInfo info = device.info();
            line("GPU", String.format("%s, %s, %.1f GiB", info.name(), info.isa(), info.memoryBytes() / GIB));
        } catch (UserError e) {
            line("GPU", "none used: " + e.getMessage());
        }
    }

    /**
     * Where there is no driver, what is missing for a GPU is no news; a folder that was named is looked at all the
     * same.
     */
    private void cudaLibraries() {
        boolean wanted = cudaLibraries != null || CudaLibraries.driverIsInstalled();
        List<NativeLibraries.Description> all = CudaLibraries.describe(cudaLibraries);
        List<NativeLibraries.Description> shown = all.stream().filter(l -> wanted || l.path().isPresent()).toList();
        if (shown.isEmpty()) {
            line("CUDA", "no libraries (needed for a GPU only)");
        }
        libraries("CUDA", shown);
    }

    private void libraries(String label, List<NativeLibraries.Description> libraries) {
        for (NativeLibraries.Description library : libraries) {
            line(label, library.name() + ": " + library.detail()
                    + library.path().map(path -> " (" + path + ")").orElse(""));
            label = CONTINUED;
        }
    }

    /** What only building needs. */
    private void buildTools() {
        for (Map.Entry<String, String> tool : BUILD_TOOLS.entrySet()) {
            line(tool.getKey(), onPath(tool.getKey()).map(Path::toString).orElse("not on PATH: " + tool.getValue()));
        }
    }

    private static Optional<Path> onPath(String tool) {
        return Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)).filter(s -> !s.isEmpty())
                .map(folder -> Path.of(folder, tool)).filter(Files::isExecutable).findFirst();
    }

    private static Set<String> features() {
        for (String line : lines(Path.of("/proc/cpuinfo"))) {
            if (line.startsWith("flags")) {
                Set<String> present =
                        new TreeSet<>(List.of(line.substring(line.indexOf(':') + 1).trim().split("\\s+")));
                present.retainAll(FEATURES);
                return present;
            }
        }
        return Set.of();
    }

    private static List<String> lines(Path file) {
        try (Stream<String> lines = Files.lines(file)) {
            return lines.toList();
        } catch (IOException | java.io.UncheckedIOException e) {
            return List.of(); // not Linux, or no such driver
        }
    }

    private void line(String label, String text) {
        out().printf("%-10s  %s%n", label, text);
    }
}
