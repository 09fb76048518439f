package intuitor.text;

import tools.jackson.core.PrettyPrinter;
import tools.jackson.core.util.DefaultPrettyPrinter;
import tools.jackson.core.util.Separators;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A trained vocabulary as the files that Hugging Face's libraries load: laid out as Qwen2's, so that transformers takes
 * it for a Qwen2 tokenizer.
 */
public final class TokenizerWriter {

    private static final JsonMapper JSON = new JsonMapper();

    private static final PrettyPrinter INDENTED = new DefaultPrettyPrinter()
            .withSeparators(PrettyPrinter.DEFAULT_SEPARATORS.withObjectNameValueSpacing(Separators.Spacing.AFTER));

    private TokenizerWriter() {}

    /** The text of {@code tokenizer.json}. */
    public static String tokenizerJson(BpeModel bpe) {
        ObjectNode root = JSON.createObjectNode();
        root.put("version", "1.0");
        root.putNull("truncation");
        root.putNull("padding");
        ArrayNode added = root.putArray("added_tokens");
        for (int i = 0; i < bpe.specialTokens().size(); i++) {
            describe(added.addObject().put("id", bpe.tokens().size() + i), bpe.specialTokens().get(i));
        }
        root.putObject("normalizer").put("type", "NFC");
        ObjectNode split = root.putObject("pre_tokenizer").put("type", "Sequence");
        ArrayNode steps = split.putArray("pretokenizers");
        ObjectNode words = steps.addObject().put("type", "Split");
        words.putObject("pattern").put("Regex", BpeTrainer.SPLIT);
        words.put("behavior", "Isolated").put("invert", false);
        byteLevel(steps.addObject());
        byteLevel(root.putObject("post_processor"));
        byteLevel(root.putObject("decoder"));
        writeModel(root.putObject("model"), bpe);
        return JSON.writer().with(INDENTED).writeValueAsString(root) + "\n";
    }

    private static void byteLevel(ObjectNode step) {
        step.put("type", "ByteLevel").put("add_prefix_space", false).put("trim_offsets", false).put("use_regex", false);
    }

    private static void writeModel(ObjectNode model, BpeModel bpe) {
        model.put("type", "BPE");
        model.putNull("dropout");
        model.putNull("unk_token");
        model.put("continuing_subword_prefix", "").put("end_of_word_suffix", "");
        model.put("fuse_unk", false).put("byte_fallback", false).put("ignore_merges", false);
        ObjectNode vocabulary = model.putObject("vocab");
        for (int id = 0; id < bpe.tokens().size(); id++) {
            vocabulary.put(bpe.tokens().get(id), id);
        }
        ArrayNode merges = model.putArray("merges");
        for (BpeModel.Merge merge : bpe.merges()) {
            merges.add(merge.left() + " " + merge.right());
        }
    }

    /**
     * The text of {@code tokenizer_config.json}: the first special token ends a text and pads, there is none to begin.
     *
     * @param maxLength of the model, in tokens
     * @param chatTemplate Jinja source, or null for a model without one
     */
    public static String configJson(BpeModel bpe, int maxLength, String chatTemplate) {
        ObjectNode root = JSON.createObjectNode();
        root.put("add_bos_token", false).put("add_prefix_space", false);
        ObjectNode decoder = root.putObject("added_tokens_decoder");
        ArrayNode additional = root.putArray("additional_special_tokens");
        for (int i = 0; i < bpe.specialTokens().size(); i++) {
            String token = bpe.specialTokens().get(i);
            describe(decoder.putObject(String.valueOf(bpe.tokens().size() + i)), token);
            if (i > 0) {
                additional.add(token);
            }
        }
        root.putNull("bos_token");
        if (chatTemplate != null) {
            root.put("chat_template", chatTemplate);
        }
        root.put("clean_up_tokenization_spaces", false);
        root.put("eos_token", bpe.specialTokens().getFirst());
        root.put("errors", "replace").put("model_max_length", maxLength);
        root.put("pad_token", bpe.specialTokens().getFirst());
        root.put("split_special_tokens", false).put("tokenizer_class", "Qwen2Tokenizer");
        root.putNull("unk_token");
        return JSON.writer().with(INDENTED).writeValueAsString(root) + "\n";
    }

    private static void describe(ObjectNode node, String specialToken) {
        node.put("content", specialToken).put("single_word", false).put("lstrip", false).put("rstrip", false)
                .put("normalized", false).put("special", true);
    }
}
