package intuitor.report;

import java.io.PrintStream;

/**
 * What a long command says while it works. On a terminal one line that is overwritten in place; elsewhere (a file, a pipe)
 * a plain line every so many updates. Messages stay, above the live line.
 */
public final class ProgressLine {

    private static final String ERASE = "\r\u001b[K";

    private final PrintStream out;
    private final boolean live;
    private boolean shown;

    /** @param live whether {@code out} is a terminal */
    public ProgressLine(PrintStream out, boolean live) {
        this.out = out;
        this.live = live;
    }

    /** On standard error, live if that is where a person looks. */
    public static ProgressLine onStandardError() {
        return new ProgressLine(System.err, System.console() != null && System.console().isTerminal());
    }

    /** @param plain whether this update is worth a line of its own where there is no terminal */
    public void update(String text, boolean plain) {
        if (live) {
            out.print(ERASE + text);
            out.flush();
            shown = true;
        } else if (plain) {
            out.println(text);
        }
    }

    /** A line that stays. */
    public void message(String text) {
        out.println((shown ? ERASE : "") + text);
        shown = false;
    }

    /** Leaves the last live line standing and goes to the next. */
    public void end() {
        if (shown) {
            out.println();
            shown = false;
        }
    }
}
