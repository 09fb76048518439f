package intuitor.cli;

import intuitor.device.Device;
import intuitor.device.StorageType;
import picocli.CommandLine.Option;

/** Where a command generates, and in which storage type. */
final class GenerationDeviceOptions extends DeviceOptions {

    @Option(names = "--cuda-graphs", description = "record the steps of generation in CUDA graphs, on a GPU")
    private boolean cudaGraphs;

    @Override
    Device open() {
        return open(cudaGraphs);
    }

    /** What is held on the device opened. */
    StorageType.Held held(Device device) {
        return storage().forGeneration(device, "dtype");
    }
}
