package intuitor.text;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import intuitor.UserError;
import intuitor.device.NativeLibraries;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Text to token ids and back, by Hugging Face's own library: whatever a model's {@code tokenizer.json} asks for, it
 * does as transformers would. May be used by several threads.
 *
 * <p>Of DJL, which packages that library for Java, only the class of native functions is used. Its convenient classes
 * would unpack into {@code ~/.djl.ai}, look for a GPU, download another build of the library and report home.
 */
public final class Tokenizer {

    static final String FILE = "tokenizer.json";

    private static final Cleaner CLEANER = Cleaner.create();

    private final long handle; // a Rust object; freed when this one is unreachable
    private final Vocabulary vocabulary;
    private final Integer eosId;

    private Tokenizer(long handle, Vocabulary vocabulary, Integer eosId) {
        this.handle = handle;
        this.vocabulary = vocabulary;
        this.eosId = eosId;
        CLEANER.register(this, () -> TokenizersLibrary.LIB.deleteTokenizer(handle));
    }

    /** Reads the tokenizer of a model's folder; a {@link UserError} says what is wrong with its files. */
    public static Tokenizer load(Path folder) {
        Path file = folder.resolve(FILE);
        String json = TextFile.read(file);
        Vocabulary vocabulary = Vocabulary.parse(file, json);
        String eos = TokenizerConfig.read(folder).eosToken();
        return new Tokenizer(create(file, json), vocabulary, eos == null ? null : vocabulary.id(eos));
    }

    private static long create(Path file, String json) {
        NativeLibraries.loadTokenizers();
        try {
            long handle = TokenizersLibrary.LIB.createTokenizerFromString(json);
            // a file may ask for both, from the days when it served another purpose
            TokenizersLibrary.LIB.disableTruncation(handle);
            TokenizersLibrary.LIB.disablePadding(handle);
            return handle;
        } catch (RuntimeException e) {
            throw new UserError(file + " is not a tokenizer that can be used: " + e.getMessage(), e);
        }
    }

    /**
     * The ids of a text. Special tokens written in it, such as {@code <|im_end|>}, become their ids; none is added.
     */
    public int[] encode(String text) {
        return encode(text, false);
    }

    /**
     * The ids of a text.
     *
     * @param addSpecialTokens whether to add what the tokenizer puts around every text, such as Llama's
     *     {@code <|begin_of_text|>}. Not for a rendered chat template, which has it already.
     */
    public int[] encode(String text, boolean addSpecialTokens) {
        try {
            long encoding = TokenizersLibrary.LIB.encode(handle, wellFormed(text), addSpecialTokens);
            try {
                return toInts(TokenizersLibrary.LIB.getTokenIds(encoding));
            } finally {
                TokenizersLibrary.LIB.deleteEncoding(encoding);
            }
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** The text of ids, without special tokens. Incomplete UTF-8 becomes U+FFFD; ids without a token are left out. */
    public String decode(int[] ids) {
        return decode(ids, false);
    }

    /** The text of ids, with or without special tokens. */
    public String decode(int[] ids, boolean keepSpecialTokens) {
        try {
            return TokenizersLibrary.LIB.decode(handle, toLongs(ids), !keepSpecialTokens);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** A decoder for tokens as they are generated, without special tokens. */
    public StreamDecoder stream() {
        return new StreamDecoder(this, false);
    }

    /** One more than the highest id. The model's embedding may have more rows, as padding. */
    public int vocabSize() {
        return vocabulary.size();
    }

    /** The id of a token by its exact name in the vocabulary, null if there is none. */
    public Integer tokenId(String token) {
        return vocabulary.id(token);
    }

    /** Whether an id is that of a special token: one that {@link #decode(int[])} leaves out. */
    public boolean isSpecial(int id) {
        return vocabulary.isSpecial(id);
    }

    /** The token that ends a text ({@code eos_token} in tokenizer_config.json), null where the tokenizer has none. */
    public Integer eosId() {
        return eosId;
    }

    /** A lone surrogate has no UTF-8 form, and would make the native side misread the whole text. */
    private static String wellFormed(String text) {
        StringBuilder repaired = null;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!Character.isSurrogate(c)) {
                continue;
            }
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
                continue;
            }
            if (repaired == null) {
                repaired = new StringBuilder(text);
            }
            repaired.setCharAt(i, StreamDecoder.REPLACEMENT);
        }
        return repaired == null ? text : repaired.toString();
    }

    private static int[] toInts(long[] ids) {
        int[] ints = new int[ids.length];
        for (int i = 0; i < ids.length; i++) {
            ints[i] = (int) ids[i];
        }
        return ints;
    }

    private static long[] toLongs(int[] ids) {
        return Arrays.stream(ids).asLongStream().toArray();
    }
}
