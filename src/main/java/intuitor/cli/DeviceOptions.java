package intuitor.cli;

import intuitor.device.Device;
import picocli.CommandLine.Option;

/** Where a command computes. */
final class DeviceOptions {

    @Option(names = "--device", paramLabel = "KIND", defaultValue = "auto",
            description = "auto, cpu or cuda (default: ${DEFAULT-VALUE})")
    private String kind;

    @Option(names = "--threads", paramLabel = "N", defaultValue = "0",
            description = "CPU threads; 0: one for each core (default: ${DEFAULT-VALUE})")
    private int threads;

    Device open() {
        return Device.open(kind, threads);
    }
}
