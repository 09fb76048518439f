package intuitor.cli;

import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.model.Architecture;
import intuitor.model.ModelConfig;
import intuitor.model.ParameterSet;
import intuitor.text.BpeModel;
import intuitor.text.BpeTrainer;
import intuitor.text.TokenizerWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Writes a model's folder with random weights and a tokenizer made from a few lines. */
final class TinyModel {

    static final int MAX_POSITIONS = 64;

    /** Wide enough that the distributions are far from uniform. */
    private static final double STD = 0.6;
    private static final int VOCAB = 300;
    private static final List<String> CORPUS = List.of("12 + 34 = 46\n", "7 * 8 = 56\n", "the answer is 46\n",
            "the answer is 56\n");
    private static final String CHAT_TEMPLATE =
            "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
            + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    private TinyModel() { }

    /** @return the vocabulary's size */
    static int write(Path folder) throws IOException {
        BpeModel bpe = BpeTrainer.train(CORPUS, VOCAB, List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>"));
        int vocab = bpe.tokens().size() + bpe.specialTokens().size();
        ModelConfig config = new ModelConfig(Architecture.QWEN2, vocab, 16, 32, 2, 4, 2, 4, 1e-6, 1e4, Optional.empty(),
                MAX_POSITIONS, true, "float32", List.of(bpe.tokens().size()), OptionalInt.empty(), OptionalInt.empty());
        config.write(folder);
        Files.writeString(folder.resolve("tokenizer.json"), TokenizerWriter.tokenizerJson(bpe));
        Files.writeString(folder.resolve("tokenizer_config.json"),
                TokenizerWriter.configJson(bpe, MAX_POSITIONS, CHAT_TEMPLATE));
        try (Device device = Device.open("cpu", 1)) {
            ParameterSet parameters = new ParameterSet(device.arena("tiny"), config, DType.F32, "parameters");
            parameters.initialize(1, STD);
            parameters.save(folder, DType.F32);
        }
        return vocab;
    }
}
