package intuitor.text;

import intuitor.UserError;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/** Turns what a user asks into the token ids that a model goes on from, with or without a chat template. */
public final class PromptEncoder {

    /** Stands for an answer when the template is asked what comes after one. */
    private static final String ANSWER = "ANSWER";

    private final Tokenizer tokenizer;
    private final ChatTemplate template;
    private final String systemMessage;
    private final LocalDate date;

    /**
     * @param template      the model's chat template, or null to take prompts as they are
     * @param systemMessage put before every prompt, or null; needs a template
     * @param date          what a template writes as today's date
     */
    public PromptEncoder(Tokenizer tokenizer, ChatTemplate template, String systemMessage, LocalDate date) {
        if (systemMessage != null && template == null) {
            throw new IllegalArgumentException("a system message needs a chat template");
        }
        this.tokenizer = tokenizer;
        this.template = template;
        this.systemMessage = systemMessage;
        this.date = date;
    }

    /** The ids of a prompt, up to where the model's answer begins. */
    public int[] encode(String prompt) {
        return encode(List.of(new ChatTemplate.Message("user", prompt)));
    }

    /**
     * The ids of a conversation, up to where the model's answer begins. A system message of its own takes the place of
     * this encoder's.
     *
     * @throws intuitor.UserError for several messages where there is no template
     */
    public int[] encode(List<ChatTemplate.Message> conversation) {
        if (template != null) {
            return tokenizer.encode(template.render(withSystemMessage(conversation), true, date));
        }
        if (conversation.size() != 1) {
            throw new UserError("a prompt of " + conversation.size() + " messages needs a chat template");
        }
        return plain(conversation.getFirst().content());
    }

    /** With the token that the tokenizer puts before every text, unless the text begins with it already. */
    private int[] plain(String prompt) {
        int[] ids = tokenizer.encode(prompt);
        int[] full = tokenizer.encode(prompt, true);
        boolean twice = ids.length > 0 && tokenizer.isSpecial(ids[0]) && full[0] == ids[0] && full.length > 1
                && full[1] == ids[0];
        return twice ? ids : full;
    }

    /**
     * The special token that the template puts after an answer, such as Qwen's {@code <|im_end|>}, if it puts one. Base
     * models do not name it as their end token, but in a chat it is.
     */
    public OptionalInt endOfTurn() {
        if (template == null) {
            return OptionalInt.empty();
        }
        List<ChatTemplate.Message> messages = withSystemMessage(List.of(new ChatTemplate.Message("user", "QUESTION")));
        messages.add(new ChatTemplate.Message("assistant", ANSWER));
        String rendered = template.render(messages, false, date);
        int[] after = tokenizer.encode(rendered.substring(rendered.lastIndexOf(ANSWER) + ANSWER.length()));
        return after.length > 0 && tokenizer.isSpecial(after[0]) ? OptionalInt.of(after[0]) : OptionalInt.empty();
    }

    private List<ChatTemplate.Message> withSystemMessage(List<ChatTemplate.Message> conversation) {
        List<ChatTemplate.Message> messages = new ArrayList<>(conversation);
        if (systemMessage != null && !messages.getFirst().role().equals("system")) {
            messages.addFirst(new ChatTemplate.Message("system", systemMessage));
        }
        return messages;
    }
}
