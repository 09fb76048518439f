package intuitor.text;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A small tokenizer for tests, trained on a few lines. */
final class TinyTokenizer {

    static final List<String> SPECIAL = List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>");

    private static final List<String> CORPUS = List.of(
            "What is 12 + 34? The answer is 46.\n\nWhat is 7 * 8? The answer is 56.\n",
            "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. Zwölf Boxkämpfer jagen Viktor.",
            "数学是关于数量、结构、变化的学科。数学是关于数量的学科。\n",
            "  for (int i = 0; i < n; i++) {\n    sum += x[i];\n  }\n  for (int i = 0; i < n; i++) {\n    x[i] = 0;\n",
            "It's we're they've I'm he'd 'T IT'S We'Re   spaces   and\ttabs\r\n\r\n====== ====== ========",
            "😀😀 👩‍👩‍👧 e\u0301 é");

    private TinyTokenizer() {}

    static BpeModel model() {
        return BpeTrainer.train(CORPUS, 420, SPECIAL);
    }

    static Tokenizer in(Path folder) {
        try {
            BpeModel bpe = model();
            Files.writeString(folder.resolve("tokenizer.json"), TokenizerWriter.tokenizerJson(bpe));
            Files.writeString(folder.resolve("tokenizer_config.json"), TokenizerWriter.configJson(bpe, 512, null));
            return Tokenizer.load(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
