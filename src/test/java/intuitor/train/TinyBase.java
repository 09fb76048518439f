package intuitor.train;

import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.model.Architecture;
import intuitor.model.ModelConfig;
import intuitor.model.TrainingWeights;
import intuitor.text.BpeModel;
import intuitor.text.BpeTrainer;
import intuitor.text.Tokenizer;
import intuitor.text.TokenizerWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A Hugging Face folder with a very small random model and a byte-level tokenizer, and prompts for it. */
public final class TinyBase {

    private static final String END = "<|endoftext|>";
    private static final int VOCAB = 288;

    private TinyBase() { }

    static ModelConfig config(int end) {
        return new ModelConfig(Architecture.QWEN2, VOCAB, 32, 48, 2, 4, 2, 8, 1e-6, 1e4, Optional.empty(), 64, true,
                "float32", List.of(end), OptionalInt.empty(), OptionalInt.empty());
    }

    /** Weights with a spread that makes the model sure of some tokens and not of others. */
    static TrainingWeights weights(Device device, ModelConfig config, DType dtype, String name) {
        TrainingWeights weights = new TrainingWeights(device.arena(name), config, dtype, name);
        weights.initialize(3, 0.25);
        return weights;
    }

    public static Path write(Path folder) throws IOException {
        Files.createDirectories(folder);
        List<String> corpus = IntStream.range(0, 50).mapToObj(i -> i + " + " + 3 * i + " = " + 4 * i + "\n").toList();
        BpeModel bpe = BpeTrainer.train(corpus, 270, List.of(END));
        Files.writeString(folder.resolve("tokenizer.json"), TokenizerWriter.tokenizerJson(bpe));
        Files.writeString(folder.resolve("tokenizer_config.json"), TokenizerWriter.configJson(bpe, 64, null));
        ModelConfig config = config(Tokenizer.load(folder).tokenId(END));
        config.write(folder);
        try (Device device = Device.open("cpu", 1)) {
            weights(device, config, DType.F32, "base").master().save(folder, DType.F32);
        }
        return folder;
    }

    public static Path prompts(Path file, int count) throws IOException {
        return Files.writeString(file, IntStream.range(0, count)
                .mapToObj(i -> "{\"prompt\":\"" + i + " + " + (i * 7 % 10) + " =\",\"answer\":\""
                        + (i + i * 7 % 10) + "\"}")
                .collect(Collectors.joining("\n", "", "\n")));
    }
}
