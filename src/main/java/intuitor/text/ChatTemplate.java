package intuitor.text;

import intuitor.UserError;
import intuitor.text.jinja.Template;
import intuitor.text.jinja.TemplateException;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How a model wants a conversation written down: the Jinja template in its {@code tokenizer_config.json} or
 * {@code chat_template.jinja}, rendered as by transformers' apply_chat_template.
 */
public final class ChatTemplate {

    /** One turn of a conversation. */
    public record Message(String role, String content) {}

    private final Path folder;
    private final Template template;
    private final Map<String, String> specialTokens;

    private ChatTemplate(Path folder, Template template, Map<String, String> specialTokens) {
        this.folder = folder;
        this.template = template;
        this.specialTokens = specialTokens;
    }

    /** The chat template of a model's folder, empty where it has none: then it is a model of plain text. */
    public static Optional<ChatTemplate> load(Path folder) {
        TokenizerConfig config = TokenizerConfig.read(folder);
        String source = config.chatTemplates().get(TokenizerConfig.DEFAULT);
        if (source == null) {
            if (config.chatTemplates().isEmpty()) {
                return Optional.empty();
            }
            throw new UserError(folder + " has chat templates " + config.chatTemplates().keySet() + " but none named "
                    + TokenizerConfig.DEFAULT);
        }
        try {
            return Optional.of(new ChatTemplate(folder, Template.parse(source), config.specialTokens()));
        } catch (TemplateException e) {
            throw error(folder, e);
        }
    }

    /**
     * A conversation as the model's text, ready to be encoded (without adding special tokens: they are in it).
     *
     * @param addGenerationPrompt whether the text ends with the opening of the assistant's answer
     * @param today for templates that write the date; a fixed one makes runs reproduce
     */
    public String render(List<Message> messages, boolean addGenerationPrompt, LocalDate today) {
        return render(messages, addGenerationPrompt, today, Map.of());
    }

    /**
     * A conversation as the model's text, with options that this model's template knows.
     *
     * @param options such as {@code enable_thinking} (Boolean) of Qwen3 or {@code date_string} of Llama 3
     */
    public String render(
            List<Message> messages, boolean addGenerationPrompt, LocalDate today, Map<String, Object> options) {
        var variables = new HashMap<String, Object>(specialTokens);
        variables.put("messages", messages.stream().map(ChatTemplate::asDict).toList());
        variables.put("tools", null);
        variables.put("documents", null);
        variables.put("add_generation_prompt", addGenerationPrompt);
        variables.putAll(options);
        try {
            return template.render(variables, today);
        } catch (TemplateException e) {
            throw error(folder, e);
        }
    }

    private static Map<String, Object> asDict(Message message) {
        var dict = new LinkedHashMap<String, Object>(); // in the order in which one writes it
        dict.put("role", message.role());
        dict.put("content", message.content());
        return dict;
    }

    private static UserError error(Path folder, TemplateException e) {
        return new UserError("the chat template of " + folder + ": " + e.getMessage(), e);
    }
}
