package intuitor.report;

import java.io.PrintStream;

/**
 * What a long command says while it works. On a terminal one line that is overwritten in place; elsewhere (a file, a
 * pipe) a plain line every so many updates. Messages stay, above the live line. Any thread may speak: a signal's does.
 */
public final class ProgressLine {

    private static final int DEFAULT_WIDTH = 120;
    private static final String ERASE = "\r\u001b[K";

    private final PrintStream out;
    private final boolean live;
    private final int width;
    private boolean shown;

    /**
     * @param live  whether {@code out} is a terminal
     * @param width its columns; a live line is cut to fewer than these, as one that wraps cannot be overwritten
     */
    public ProgressLine(PrintStream out, boolean live, int width) {
        this.out = out;
        this.live = live;
        this.width = width;
    }

    /** On standard error, live if that is where a person looks. */
    public static ProgressLine onStandardError() {
        return new ProgressLine(System.err, System.console() != null && System.console().isTerminal(), columns());
    }

    private static int columns() {
        String columns = System.getenv("COLUMNS");
        return columns != null && columns.matches("[1-9]\\d{0,4}") ? Integer.parseInt(columns) : DEFAULT_WIDTH;
    }

    /** @param plain whether this update is worth a line of its own where there is no terminal */
    public synchronized void update(String text, boolean plain) {
        if (live) {
            out.print(ERASE + text.substring(0, Math.min(text.length(), width - 1)));
            out.flush();
            shown = true;
        } else if (plain) {
            out.println(text);
        }
    }

    /** A line that stays. */
    public synchronized void message(String text) {
        out.println((shown ? ERASE : "") + text);
        shown = false;
    }

    /** Leaves the last live line standing and goes to the next. */
    public synchronized void end() {
        if (shown) {
            out.println();
            shown = false;
        }
    }
}
