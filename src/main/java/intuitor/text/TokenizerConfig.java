package intuitor.text;

import intuitor.Json;
import intuitor.UserError;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What {@code tokenizer_config.json} (and the newer {@code chat_template.jinja} beside it) says about a tokenizer.
 *
 * @param specialTokens text of the tokens with a role, by role ({@code bos_token}, {@code eos_token} ...), as far as
 *     the tokenizer has them
 * @param chatTemplates Jinja source by name; a model's only template is called {@value #DEFAULT}
 */
record TokenizerConfig(Map<String, String> specialTokens, Map<String, String> chatTemplates) {

    static final String DEFAULT = "default";
    static final String FILE = "tokenizer_config.json";

    private static final String TEMPLATE_FILE = "chat_template.jinja";
    private static final JsonMapper JSON = new JsonMapper();

    /** Reads a model folder's configuration; empty where it has none. */
    static TokenizerConfig read(Path folder) {
        var specialTokens = new LinkedHashMap<String, String>();
        var chatTemplates = new LinkedHashMap<String, String>();
        Path file = folder.resolve(FILE);
        if (Files.exists(file)) {
            JsonNode config = parse(file);
            config.forEachEntry((role, token) -> {
                if (role.endsWith("_token")) {
                    text(token).ifPresent(t -> specialTokens.put(role, t));
                }
            });
            readTemplates(file, config.path("chat_template"), chatTemplates);
        }
        Path template = folder.resolve(TEMPLATE_FILE);
        if (Files.exists(template)) {
            chatTemplates.put(DEFAULT, TextFile.read(template));
        }
        return new TokenizerConfig(specialTokens, chatTemplates);
    }

    /** Null where the tokenizer has no such token. */
    String eosToken() {
        return specialTokens.get("eos_token");
    }

    /** A token is written as text, or as an object that says how it is matched. */
    private static Optional<String> text(JsonNode token) {
        JsonNode content = token.isObject() ? token.path("content") : token;
        return content.stringValueOpt();
    }

    /** One template, or a list of named ones. */
    private static void readTemplates(Path file, JsonNode node, Map<String, String> templates) {
        if (node.isString()) {
            templates.put(DEFAULT, node.stringValue());
        } else if (node.isArray()) {
            for (JsonNode named : node) {
                if (!named.path("name").isString() || !named.path("template").isString()) {
                    throw new UserError(file + ": a chat_template has no name or no template");
                }
                templates.put(named.get("name").stringValue(), named.get("template").stringValue());
            }
        } else if (!node.isMissingNode() && !node.isNull()) {
            throw new UserError(file + ": chat_template is neither text nor a list");
        }
    }

    private static JsonNode parse(Path file) {
        try {
            JsonNode config = JSON.readTree(TextFile.read(file));
            if (!config.isObject()) {
                throw new UserError(file + " is damaged: it is not a JSON object");
            }
            return config;
        } catch (JacksonException e) {
            throw new UserError(file + " is damaged: " + Json.complaint(e), e);
        }
    }
}
