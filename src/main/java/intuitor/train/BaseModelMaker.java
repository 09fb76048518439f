package intuitor.train;

import intuitor.UserError;
import intuitor.checkpoint.AtomicFiles;
import intuitor.data.ArithmeticCorpus;
import intuitor.data.ProblemSet;
import intuitor.data.SolutionWriter;
import intuitor.device.Arena;
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
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Makes a base model from nothing: tokenizer, weights, and the prompt sets to train and evaluate on, all from one seed.
 * What it writes is a Hugging Face folder with two files more: {@code train_prompts.jsonl}, problems without answers,
 * and {@code heldout.jsonl}, problems with answers that occur neither in the corpus nor among the training prompts.
 */
public final class BaseModelMaker {
    public static final String TRAIN_PROMPTS = "train_prompts.jsonl";
    public static final String HELD_OUT = "heldout.jsonl";

    private static final String END = "<|endoftext|>";
    private static final double RMS_NORM_EPS = 1e-6;
    private static final long PROMPT_SEED = 1_000_003;
    private static final long HELD_OUT_SEED = 2_000_003;

    private final PretrainConfig config;

    public BaseModelMaker(PretrainConfig config) {
        this.config = config;
    }

    /**
     * Trains and writes the model to {@code output}, whole or not at all.
     *
     * @throws UserError at once if there is something at {@code output} already, other than an empty folder
     */
    public void make(Device device, Consumer<Pretrainer.Step> listener) {
        requireFree(config.output());
        DType dtype = config.dtype().on(device);
        AtomicFiles.writeFolder(config.output(), folder -> {
            BpeModel bpe = BpeTrainer.train(tokenizerCorpus(), config.vocabSize(), List.of(END));
            Files.writeString(folder.resolve("tokenizer.json"), TokenizerWriter.tokenizerJson(bpe));
            Files.writeString(folder.resolve("tokenizer_config.json"),
                    TokenizerWriter.configJson(bpe, config.maxPositionEmbeddings(), null));
            Tokenizer tokenizer = Tokenizer.load(folder);
            int end = tokenizer.tokenId(END);
            ModelConfig model = model(end);
            model.write(folder);
            try (Arena arena = device.arena("pretraining")) {
                TrainingWeights weights = new TrainingWeights(arena, model, dtype, "weights");
                weights.initialize(config.seed(), config.initializerRange());
                new Pretrainer(arena, weights, config).train(documents(tokenizer, end), listener);
                weights.master().save(folder, DType.F32);
            }
            writePrompts(folder.resolve(TRAIN_PROMPTS), config.trainPrompts(), false);
            writePrompts(folder.resolve(HELD_OUT), config.heldOutProblems(), true);
        });
    }

    /** Training takes a while, and what it writes takes the place of what was there: nothing of value may be. */
    private static void requireFree(Path output) {
        if (!Files.exists(output, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try (Stream<Path> entries = Files.list(output)) {
            if (!Files.isSymbolicLink(output) && entries.findAny().isEmpty()) {
                return;
            }
        } catch (NotDirectoryException | NoSuchFileException e) {
            // a file, or a link that leads nowhere: as little to be replaced as a folder with something in it
        } catch (IOException e) {
            throw UserError.of("cannot read " + output, e);
        }
        throw new UserError(output + " exists; choose another --output, or remove it");
    }

    private ModelConfig model(int end) {
        return new ModelConfig(Architecture.QWEN2, config.vocabSize(), config.hiddenSize(), config.intermediateSize(),
                config.numHiddenLayers(), config.numAttentionHeads(), config.numKeyValueHeads(),
                config.hiddenSize() / config.numAttentionHeads(), RMS_NORM_EPS, config.ropeTheta(), Optional.empty(),
                config.maxPositionEmbeddings(), true, "float32", List.of(end), OptionalInt.empty(),
                OptionalInt.empty());
    }

    private Iterable<String> tokenizerCorpus() {
        ArithmeticCorpus corpus = corpus();
        return Stream.generate(() -> corpus.next().text()).limit(config.tokenizerDocuments()).toList();
    }

    private Iterator<int[]> documents(Tokenizer tokenizer, int end) {
        ArithmeticCorpus corpus = corpus();
        return Stream.generate(() -> {
            ArithmeticCorpus.Document document = corpus.next();
            int[] prompt = tokenizer.encode(document.prompt());
            int[] solution = tokenizer.encode(document.solution());
            int[] ids = Arrays.copyOf(prompt, prompt.length + solution.length + 1);
            System.arraycopy(solution, 0, ids, prompt.length, solution.length);
            ids[ids.length - 1] = end;
            return ids;
        }).iterator();
    }

    private ArithmeticCorpus corpus() {
        return new ArithmeticCorpus(config.seed(), config.worksheets(), new SolutionWriter.Mix(config.careful(),
                config.guess(), config.sloppy(), config.guessIsRight(), config.stepIsRight()));
    }

    private void writePrompts(Path file, int count, boolean heldOut) throws IOException {
        long seed = config.seed() + (heldOut ? HELD_OUT_SEED : PROMPT_SEED);
        Files.writeString(file, ProblemSet.jsonLines(ArithmeticCorpus.problems(count, heldOut, seed), heldOut));
    }
}
