package intuitor.cli;

import intuitor.UserError;
import intuitor.device.Device;
import intuitor.device.StorageType;
import intuitor.rollout.CacheBudget;
import picocli.CommandLine.Option;

/** Where a command generates, and in which storage type. */
final class GenerationDeviceOptions extends DeviceOptions {

    @Option(names = "--cuda-graphs", description = "record the steps of generation in CUDA graphs, on a GPU")
    private boolean cudaGraphs;

    @Option(names = "--kv-cache-mib", paramLabel = "N",
            description = "MiB of keys and values held at once; more is done in turns (default: 2048 on a CPU, on a "
                    + "GPU what is needed or there is room for)")
    private Integer kvCacheMib;

    @Override
    Device open() {
        if (kvCacheMib != null && kvCacheMib < 1) {
            throw new UserError("--kv-cache-mib: expected at least 1, found " + kvCacheMib);
        }
        return open(cudaGraphs);
    }

    /** The size of the cache; of it no more is taken than completions need. */
    long cacheBytes(LoadedModel loaded) {
        return kvCacheMib != null ? (long) kvCacheMib << 20
                : CacheBudget.inference(loaded.device(), loaded.config(), loaded.transformer().dtype(),
                        CacheBudget.SHARE);
    }

    /** What is held on the device opened. */
    StorageType.Held held(Device device) {
        return storage().forGeneration(device, "dtype");
    }
}
