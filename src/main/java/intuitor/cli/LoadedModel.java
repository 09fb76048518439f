package intuitor.cli;

import intuitor.UserError;
import intuitor.checkpoint.ModelFolder;
import intuitor.device.Device;
import intuitor.device.StorageType;
import intuitor.model.InferenceWeights;
import intuitor.model.ModelConfig;
import intuitor.model.ModelWeights;
import intuitor.model.ParameterSet;
import intuitor.model.Transformer;
import intuitor.text.Tokenizer;
import java.nio.file.Path;

/**
 * A model's folder, opened for inference: configuration, weights on a device, and a tokenizer when one is asked for.
 */
final class LoadedModel implements AutoCloseable {

    private final Path folder;
    private final Device device;
    private final Transformer transformer;
    private Tokenizer tokenizer;

    private LoadedModel(Path folder, Device device, Transformer transformer) {
        this.folder = folder;
        this.device = device;
        this.transformer = transformer;
    }

    /** Makes a model's weights of the files in its folder. */
    private interface Weights {

        ModelWeights read(Device device, ModelConfig config, ModelFolder files);
    }

    /** For passes over whole sequences, which need the weights as they are. */
    static LoadedModel forScoring(Path folder, DeviceOptions options) {
        return open(folder, options, (device, config, files) -> {
            ParameterSet parameters =
                    new ParameterSet(device.arena("model"), config, options.dtype(device), "parameters");
            parameters.load(files);
            return parameters;
        });
    }

    /** For generation alone, in less memory. */
    static LoadedModel forGeneration(Path folder, GenerationDeviceOptions options) {
        return open(folder, options, (device, config, files) -> {
            StorageType.Held held = options.held(device);
            return InferenceWeights.load(device, config, held.activations(), held.matrices(), files);
        });
    }

    private static LoadedModel open(Path folder, DeviceOptions options, Weights weights) {
        try (ModelFolder files = ModelFolder.open(folder)) {
            ModelConfig config = ModelConfig.read(folder);
            Device device = options.open();
            try {
                return new LoadedModel(folder, device,
                        new Transformer(device, weights.read(device, config, files)));
            } catch (RuntimeException e) {
                device.close();
                throw e;
            }
        }
    }

    Path folder() {
        return folder;
    }

    Device device() {
        return device;
    }

    /** The type of its matrices. */
    StorageType dtype() {
        return StorageType.of(transformer.weights() instanceof InferenceWeights w ? w.packedType()
                : transformer.dtype());
    }

    ModelConfig config() {
        return transformer.config();
    }

    Transformer transformer() {
        return transformer;
    }

    /** @throws UserError if it is missing, damaged, or makes tokens that the model does not have */
    Tokenizer tokenizer() {
        if (tokenizer == null) {
            Tokenizer read = Tokenizer.load(folder);
            if (read.vocabSize() > config().vocabSize()) {
                throw new UserError(folder + ": the tokenizer has " + read.vocabSize() + " tokens, the model only "
                        + config().vocabSize());
            }
            tokenizer = read;
        }
        return tokenizer;
    }

    @Override
    public void close() {
        transformer.close();
        device.close();
    }
}
