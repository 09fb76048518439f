package intuitor.cli;

import intuitor.rollout.TokenListener;
import intuitor.text.StreamDecoder;
import java.io.PrintWriter;
import java.util.List;

/** Prints one completion as it comes, and ends it where a stop string begins, of which nothing is printed. */
final class StreamedText implements TokenListener {

    /** Tokens: on a GPU they are drawn faster than anyone reads, and a few at a time still flow. */
    private static final int MAX_DELAY = 4;

    private final StreamDecoder decoder;
    private final List<String> stops;
    private final PrintWriter out;
    private final StringBuilder text = new StringBuilder();
    private int printed;
    private boolean ended;

    StreamedText(StreamDecoder decoder, List<String> stops, PrintWriter out) {
        this.decoder = decoder;
        this.stops = stops;
        this.out = out;
    }

    @Override
    public void token(int prompt, int index, int token) {
        append(decoder.next(token));
        int held = stops.stream().mapToInt(String::length).max().orElse(1) - 1; // may be the beginning of a stop string
        printUpTo(ended ? text.length() : Math.max(printed, text.length() - held));
    }

    @Override
    public int maxDelay() {
        return MAX_DELAY;
    }

    @Override
    public boolean ends(int prompt, int index) {
        return ended;
    }

    /** Prints what was held back. All that was said is returned. */
    String finish() {
        if (!ended) {
            append(decoder.finish());
        }
        printUpTo(text.length());
        return text.toString();
    }

    private void append(String more) {
        text.append(more);
        int stop = stops.stream().mapToInt(text::indexOf).filter(at -> at >= 0).min().orElse(-1);
        if (stop >= 0) {
            text.setLength(stop);
            ended = true;
        }
    }

    private void printUpTo(int end) {
        if (end > printed) {
            out.print(text.substring(printed, end));
            out.flush();
            printed = end;
        }
    }
}
