package intuitor.report;

import java.io.PrintStream;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * What a long command says while it works. On a terminal one line that is overwritten in place; elsewhere (a file, a
 * pipe) a plain line every so many updates. Messages stay, above the live line. Any thread may speak: a signal's does.
 * Between two updates that are far apart, {@link #tick} says what goes on meanwhile.
 */
public final class ProgressLine {

    private static final int DEFAULT_WIDTH = 120;
    private static final String ERASE = "\r\u001b[K";
    private static final long SECOND = 1_000_000_000;
    /** Silence before the first tick, and between two of them. */
    private static final long LIVE_SILENCE = 2 * SECOND;
    private static final long LIVE_PACE = SECOND / 4;
    private static final long PLAIN_PACE = 60 * SECOND;

    private final PrintStream out;
    private final boolean live;
    private final int width;
    private final LongSupplier nanoTime;
    private boolean shown;
    private boolean ticking;
    private long spoke;

    /**
     * @param live  whether {@code out} is a terminal
     * @param width its columns; a live line is cut to fewer than these, as one that wraps cannot be overwritten
     */
    public ProgressLine(PrintStream out, boolean live, int width) {
        this(out, live, width, System::nanoTime);
    }

    ProgressLine(PrintStream out, boolean live, int width, LongSupplier nanoTime) {
        this.out = out;
        this.live = live;
        this.width = width;
        this.nanoTime = nanoTime;
        this.spoke = nanoTime.getAsLong();
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
            overwrite(text);
        } else if (plain) {
            out.println(text);
        }
        ticking = false;
        if (live || plain) {
            spoke = nanoTime.getAsLong();
        }
    }

    /**
     * What goes on between two updates, said as often as a reader wants to know: where nothing was said for two seconds
     * on a terminal, the last update then standing above, elsewhere for a minute. May be called as often as one likes.
     */
    public synchronized void tick(Supplier<String> text) {
        long now = nanoTime.getAsLong();
        if (now - spoke < (!live ? PLAIN_PACE : ticking ? LIVE_PACE : LIVE_SILENCE)) {
            return;
        }
        if (live) {
            if (!ticking) {
                end();
            }
            overwrite(text.get());
        } else {
            out.println(text.get());
        }
        ticking = true;
        spoke = now;
    }

    private void overwrite(String text) {
        out.print(ERASE + text.substring(0, Math.min(text.length(), width - 1)));
        out.flush();
        shown = true;
    }

    /** A line that stays. */
    public synchronized void message(String text) {
        out.println((shown ? ERASE : "") + text);
        shown = false;
        spoke = nanoTime.getAsLong();
    }

    /** Leaves the last live line standing and goes to the next. */
    public synchronized void end() {
        if (shown) {
            out.println();
            shown = false;
        }
    }
}
