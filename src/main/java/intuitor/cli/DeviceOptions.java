package intuitor.cli;

import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.PackedAttention;
import intuitor.device.StorageType;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Where a command computes, and in which storage type. */
class DeviceOptions {

    @Option(names = "--device", paramLabel = "KIND", defaultValue = "auto",
            description = "auto, cpu or cuda (default: ${DEFAULT-VALUE})")
    private String kind;

    @Option(names = "--threads", paramLabel = "N", defaultValue = "0",
            description = "CPU threads; 0: one for each core (default: ${DEFAULT-VALUE})")
    private int threads;

    @Option(names = "--dtype", paramLabel = "TYPE", defaultValue = "auto",
            description = "storage type of weights and activations: float32, bfloat16 (on the CPU for matrices, where "
                    + "it multiplies them), or auto: bfloat16 on a GPU, float32 on the CPU (default: ${DEFAULT-VALUE})")
    private String dtype;

    @Option(names = "--cuda-libraries", paramLabel = "DIR",
            description = "folder of NVIDIA's libraries; without it they are searched for (see doctor)")
    private Path cudaLibraries;

    @Option(names = "--attention", paramLabel = "WHOSE", defaultValue = "native",
            description = "whose kernels compute the attention of whole sequences: native, or cudnn (bfloat16 on a "
                    + "GPU) (default: ${DEFAULT-VALUE})")
    private PackedAttention.Library attention;

    Device open() {
        return open(false);
    }

    /** @param cudaGraphs whether the steps of generation are recorded */
    final Device open(boolean cudaGraphs) {
        return Device.open(kind, threads, cudaLibraries, attention, cudaGraphs);
    }

    /** Storage type of weights and activations on the device opened. */
    DType dtype(Device device) {
        return storage().on(device);
    }

    final StorageType storage() {
        return StorageType.named(dtype, "--dtype");
    }
}
