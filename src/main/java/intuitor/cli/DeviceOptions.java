package intuitor.cli;

import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.StorageType;
import picocli.CommandLine.Option;

/** Where a command computes, and in which storage type. */
final class DeviceOptions {

    @Option(names = "--device", paramLabel = "KIND", defaultValue = "auto",
            description = "auto, cpu or cuda (default: ${DEFAULT-VALUE})")
    private String kind;

    @Option(names = "--threads", paramLabel = "N", defaultValue = "0",
            description = "CPU threads; 0: one for each core (default: ${DEFAULT-VALUE})")
    private int threads;

    @Option(names = "--dtype", paramLabel = "TYPE", defaultValue = "auto",
            description = "storage type of weights and activations: float32, bfloat16, or auto: bfloat16 on a GPU, float32 on "
                    + "the CPU (default: ${DEFAULT-VALUE})")
    private String dtype;

    Device open() {
        return Device.open(kind, threads);
    }

    /** Storage type of weights and activations on the device opened. */
    DType dtype(Device device) {
        return StorageType.named(dtype, "--dtype").on(device);
    }
}
