package intuitor.rollout;

import intuitor.text.StreamDecoder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Ends completions as soon as a stop string is in them, and cuts it off. */
public final class StopText implements TokenListener {

    private final StopStrings stops;
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

    /** @param stops there may be none */
    public StopText(StopStrings stops) {
        this.stops = stops;
        this.longest = stops.texts().stream().mapToInt(String::length).max().orElse(0);
    }

    @Override
    public void token(int prompt, int index, int token) {
        if (stops.texts().isEmpty()) {
            return;
        }
        Tail tail = tails.computeIfAbsent(List.of(prompt, index), k -> new Tail(stops.tokenizer().stream()));
        String text = tail.text + tail.decoder.next(token);
        tail.ended = stops.areIn(text);
        tail.text = text.substring(Math.max(0, text.length() - longest));
    }

    @Override
    public boolean ends(int prompt, int index) {
        return !stops.texts().isEmpty() && tails.get(List.of(prompt, index)).ended;
    }

    /** What a completion says up to the first stop string. */
    public String of(Completion completion) {
        return stops.textOf(completion.tokens());
    }
}
