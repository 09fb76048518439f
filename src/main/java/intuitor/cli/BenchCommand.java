package intuitor.cli;

import intuitor.UserError;
import intuitor.bench.Bench;
import intuitor.bench.BenchReport;
import intuitor.bench.BenchShape;
import intuitor.bench.Measurement;
import intuitor.bench.Roofline;
import intuitor.checkpoint.AtomicFiles;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.DeviceInfo;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code intuitor bench}: how fast each kernel is, beside what bounds it. */
@Command(
        name = "bench",
        description = {
            "Measures the kernels at the sizes of Qwen2.5-1.5B (small: of Qwen2.5-0.5B; tiny: at small ones), each "
                    + "beside its ceiling in the same run: a read or a copy of as many bytes, or a matrix product of "
                    + "the library with as many operations.",
            "",
            "Times are medians; a fraction of 1 is the ceiling's speed. The error is the greatest difference from the "
                    + "same in double precision, on some rows, relative to the greatest value there; a bf16 result is "
                    + "rounded to 4e-3."
        },
        footer = {
            "",
            "Examples:",
            "  intuitor bench",
            "  intuitor bench --kernels vocab_reduce,attention --json bench.json",
            "  intuitor bench --lab"
        })
final class BenchCommand extends BaseCommand {

    /** Sizes to measure at. */
    enum Size {
        /** large on a GPU, medium on the CPU. */
        AUTO, TINY, SMALL, MEDIUM, LARGE;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Option(names = "--kernels", paramLabel = "NAMES", split = ",",
            description = "only kernels whose names begin with one of these (default: all)")
    private List<String> kernels = List.of();

    @Option(names = "--lab",
            description = "instead of the engine's kernels, the steps that led to them (kernels/lab); needs a GPU")
    private boolean lab;

    @Option(names = "--size", paramLabel = "SIZE", defaultValue = "auto",
            description = "tiny, small, medium, large, or auto: large on a GPU, medium on the CPU (default: "
                    + "${DEFAULT-VALUE})")
    private Size size;

    @Option(names = "--rounds", paramLabel = "N", defaultValue = "7",
            description = "turns of kernel and ceiling, of which medians are shown (default: ${DEFAULT-VALUE})")
    private int rounds;

    @Option(names = "--round-ms", paramLabel = "MS", defaultValue = "30",
            description = "how long a turn is at least (default: ${DEFAULT-VALUE})")
    private double roundMillis;

    @Option(names = "--json", paramLabel = "FILE", description = "the figures, for programs")
    private Path json;

    @Option(names = "--markdown", paramLabel = "FILE", description = "the table, for a page")
    private Path markdown;

    @Option(names = "--roofline", paramLabel = "FILE",
            description = "a PNG picture: speed over operations a byte, below what memory and processor were measured "
                    + "to do")
    private Path roofline;

    @Mixin
    private DeviceOptions deviceOptions;

    @Override
    public Integer call() {
        if (rounds < 1) {
            throw new UserError("--rounds: expected a number above 0, found " + rounds);
        }
        if (!(roundMillis > 0)) {
            throw new UserError("--round-ms: expected a number above 0, found " + roundMillis);
        }
        if (lab && !kernels.isEmpty()) {
            throw new UserError("--lab and --kernels: give one of them");
        }
        if (lab && isGiven("--attention")) {
            throw new UserError("--attention: does nothing with --lab; give one of them");
        }
        for (String name : kernels) {
            if (name.isEmpty() || Bench.kernels().stream().noneMatch(kernel -> kernel.startsWith(name))) {
                throw new UserError("--kernels: '" + name + "' begins no kernel's name; there are "
                        + String.join("; ", Bench.kernels()));
            }
        }
        try (Device device = deviceOptions.open()) {
            err().println(device.info().name() + ", " + device.info().isa());
            Bench bench = new Bench(device, rounds, roundMillis);
            List<Measurement> soFar = new ArrayList<>();
            Consumer<Measurement> done = m -> {
                err().println(BenchReport.line(m));
                soFar.add(m);
                write(soFar, device.info());
            };
            DType storage = deviceOptions.dtype(device);
            List<Measurement> results = lab ? bench.runLab(shape(device), storage, done)
                    : bench.run(shape(device), storage, this::wanted, done);
            out().println();
            out().print(BenchReport.table(results));
            draw(results, device.info());
            return CommandLine.ExitCode.OK;
        }
    }

    /** After each kernel: what is measured stays, should a later one fail or the time run out. */
    private void write(List<Measurement> results, DeviceInfo device) {
        if (json != null) {
            AtomicFiles.writeString(json, BenchReport.json(results, device, LocalDate.now().toString(),
                    new Main.Version().getVersion()[0]));
        }
        if (markdown != null) {
            AtomicFiles.writeString(markdown, BenchReport.markdown(results));
        }
    }

    private void draw(List<Measurement> results, DeviceInfo device) {
        if (roofline == null) {
            return;
        }
        try {
            Roofline.write(roofline, results, device.name() + ", " + device.isa());
        } catch (LinkageError | InternalError e) { // a Java without java.desktop, a machine without fonts
            throw new UserError(roofline + ": no picture can be drawn on this machine: " + e.getMessage()
                    + "; the figures are above", e);
        }
    }

    private boolean wanted(String kernel) {
        return kernels.isEmpty() || kernels.stream().anyMatch(kernel::startsWith);
    }

    private BenchShape shape(Device device) {
        return switch (size) {
            case TINY -> BenchShape.tiny();
            case SMALL -> BenchShape.small();
            case MEDIUM -> BenchShape.medium();
            case LARGE -> BenchShape.large();
            case AUTO -> device.info().kind().equals("cuda") ? BenchShape.large() : BenchShape.medium();
        };
    }
}
