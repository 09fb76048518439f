package intuitor.cli;

import intuitor.Json;
import intuitor.UserError;
import intuitor.model.ModelConfig;
import intuitor.text.PromptEncoder;
import intuitor.text.Tokenizer;
import java.util.function.Supplier;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One line of the input of {@code score}: a prompt and a completion, as token ids or as text.
 *
 * @param prompt     its tokens, at least one
 * @param completion its tokens, at least one
 * @param fromText   whether they were made from text here
 */
record ScoreRequest(int[] prompt, int[] completion, boolean fromText) {

    private static final JsonMapper JSON = new JsonMapper();
    private static final String FORMS =
            "expected {\"prompt_ids\": [...], \"completion_ids\": [...]} or {\"prompt\": \"...\", \"completion\": "
                    + "\"...\"}";

    /**
     * @param where     file and line, for errors
     * @param tokenizer asked for only if the line holds text
     * @throws UserError that names file and line
     */
    static ScoreRequest parse(String line, String where, ModelConfig config, Supplier<Tokenizer> tokenizer) {
        JsonNode node;
        try {
            node = JSON.readTree(line);
        } catch (JacksonException e) {
            throw new UserError(where + ": not valid JSON: " + Json.complaint(e));
        }
        boolean ids = node.has("prompt_ids") && node.has("completion_ids");
        boolean text = node.has("prompt") && node.has("completion");
        if (ids == text) {
            throw new UserError(where + ": " + FORMS + (ids ? ", not both" : ""));
        }
        ScoreRequest request = ids
                ? new ScoreRequest(ids(node, "prompt_ids", where, config),
                        ids(node, "completion_ids", where, config), false)
                : encoded(text(node, "prompt", where), text(node, "completion", where), where, tokenizer.get());
        int length = request.prompt.length + request.completion.length;
        if (length > config.maxPositions()) {
            throw new UserError(where + ": " + length + " tokens, but this model reads " + config.maxPositions()
                    + " at most");
        }
        return request;
    }

    int tokens() {
        return prompt.length + completion.length;
    }

    private static int[] ids(JsonNode node, String key, String where, ModelConfig config) {
        JsonNode array = node.get(key);
        if (!array.isArray()) {
            throw new UserError(where + ": " + key + " is not a list of token ids");
        }
        int[] ids = new int[array.size()];
        for (int i = 0; i < ids.length; i++) {
            JsonNode id = array.get(i);
            if (!id.isIntegralNumber() || !id.canConvertToInt() || id.asInt() < 0 || id.asInt() >= config.vocabSize()) {
                throw new UserError(where + ": " + key + "[" + i + "] is " + id
                        + ", but this model's token ids are 0 to " + (config.vocabSize() - 1));
            }
            ids[i] = id.asInt();
        }
        return requireTokens(ids, key, where);
    }

    private static ScoreRequest encoded(String prompt, String completion, String where, Tokenizer tokenizer) {
        int[] promptIds = new PromptEncoder(tokenizer, null, null, null).encode(prompt);
        return new ScoreRequest(requireTokens(promptIds, "prompt", where),
                requireTokens(tokenizer.encode(completion), "completion", where), true);
    }

    private static String text(JsonNode node, String key, String where) {
        JsonNode text = node.get(key);
        if (!text.isString()) {
            throw new UserError(where + ": " + key + " is not text");
        }
        return text.stringValue();
    }

    private static int[] requireTokens(int[] ids, String key, String where) {
        if (ids.length == 0) {
            throw new UserError(where + ": " + key + " is empty: "
                    + (key.startsWith("prompt") ? "the first token of the completion needs one before it"
                            : "nothing to score"));
        }
        return ids;
    }
}
