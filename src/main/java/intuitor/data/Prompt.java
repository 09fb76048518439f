package intuitor.data;

import intuitor.text.ChatTemplate.Message;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A row of a prompt set.
 *
 * @param messages what the model is asked: a question is one message of the user's; the last one is never the model's
 * @param answer   the reference answer; null where nobody asked for answers
 */
public record Prompt(List<Message> messages, String answer) {

    public Prompt {
        messages = List.copyOf(messages);
    }

    /** A question. */
    public static Prompt of(String text, String answer) {
        return new Prompt(List.of(new Message("user", text)), answer);
    }

    /** What is asked, as one text; of a conversation, all that was said. */
    public String text() {
        return messages.stream().map(Message::content).collect(Collectors.joining("\n\n"));
    }
}
