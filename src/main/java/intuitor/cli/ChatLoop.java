package intuitor.cli;

import intuitor.UserError;
import intuitor.rollout.Decoding;
import intuitor.rollout.Rollout;
import intuitor.text.ChatTemplate.Message;
import intuitor.text.PromptEncoder;
import intuitor.text.Tokenizer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/** A conversation at the terminal: a line of the user's, the model's answer as it comes, and so on. */
final class ChatLoop {

    private final Rollout rollout;
    private final Decoding decoding;
    private final List<String> stops;
    private final PromptEncoder encoder;
    private final Tokenizer tokenizer;
    private final int maxPositions;
    private final List<Message> conversation = new ArrayList<>();

    /** @param maxPositions tokens that the model can see, the answer's included */
    ChatLoop(Rollout rollout, Decoding decoding, List<String> stops, PromptEncoder encoder, Tokenizer tokenizer,
             int maxPositions) {
        this.rollout = rollout;
        this.decoding = decoding;
        this.stops = stops;
        this.encoder = encoder;
        this.tokenizer = tokenizer;
        this.maxPositions = maxPositions;
    }

    /** Until the input ends or says /exit; /new begins another conversation. */
    void run(BufferedReader in, PrintWriter out, PrintWriter hints) {
        hints.println("/new begins another conversation, /exit or Ctrl-D ends");
        for (int turn = 0; ; turn++) {
            hints.print("> ");
            hints.flush();
            String line = read(in);
            if (line == null || line.strip().equals("/exit")) {
                return;
            }
            if (line.strip().equals("/new")) {
                conversation.clear();
            } else if (!line.isBlank()) {
                answer(line, turn, out, hints);
            }
        }
    }

    private static String read(BufferedReader in) {
        try {
            return in.readLine();
        } catch (IOException e) {
            throw new UserError("cannot read from standard input: " + e.getMessage(), e);
        }
    }

    private void answer(String line, int turn, PrintWriter out, PrintWriter hints) {
        conversation.add(new Message("user", line));
        int[] tokens = encoder.encode(conversation);
        if (tokens.length + decoding.maxLength() > maxPositions) {
            conversation.removeLast();
            hints.println("the conversation has " + tokens.length + " tokens; with " + decoding.maxLength()
                    + " new ones that is more than this model's " + maxPositions + ": /new begins another one");
            return;
        }
        StreamedText text = new StreamedText(tokenizer.stream(), stops, out);
        rollout.generate(List.of(tokens), 1, decoding, turn, () -> false, text);
        conversation.add(new Message("assistant", text.finish()));
        out.println();
        out.flush();
    }
}
