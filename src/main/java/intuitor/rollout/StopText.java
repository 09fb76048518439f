package intuitor.rollout;

import intuitor.text.StreamDecoder;
import intuitor.text.Tokenizer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Ends completions as soon as a stop string is in them, and cuts it off. */
public final class StopText implements TokenListener {

    private static final int NOT_FOUND = -1;

    private final Tokenizer tokenizer;
    private final List<String> stops;
    private final int longest;
    private final Map<List<Integer>, Tail> tails = new HashMap<>();

    /** The end of a completion's text, as long as a stop string may be cut in two. */
    private static final class Tail {
        private final StreamDecoder decoder;
        private String text = "";
        private boolean ended;

        Tail(StreamDecoder decoder) {
            this.decoder = decoder;
        }
    }

    /** @param stops the strings that end a completion; there may be none */
    public StopText(Tokenizer tokenizer, List<String> stops) {
        this.tokenizer = tokenizer;
        this.stops = stops;
        this.longest = stops.stream().mapToInt(String::length).max().orElse(0);
    }

    @Override
    public void token(int prompt, int index, int token) {
        if (stops.isEmpty()) {
            return;
        }
        Tail tail = tails.computeIfAbsent(List.of(prompt, index), k -> new Tail(tokenizer.stream()));
        String text = tail.text + tail.decoder.next(token);
        tail.ended = find(text) != NOT_FOUND;
        tail.text = text.substring(Math.max(0, text.length() - longest));
    }

    @Override
    public boolean ends(int prompt, int index) {
        return !stops.isEmpty() && tails.get(List.of(prompt, index)).ended;
    }

    /** What a completion says up to the first stop string. */
    public String of(Completion completion) {
        String text = tokenizer.decode(completion.tokens());
        int at = find(text);
        return at == NOT_FOUND ? text : text.substring(0, at);
    }

    private int find(String text) {
        return stops.stream().mapToInt(text::indexOf).filter(i -> i != NOT_FOUND).min().orElse(NOT_FOUND);
    }
}
