package intuitor.report;

import java.util.Locale;

/** Amounts of memory as people read them. */
public final class Bytes {

    private static final double MIB = 1 << 20;
    private static final double GIB = 1 << 30;

    private Bytes() { }

    /** {@code 12.3 GiB}, below one {@code 45.6 MiB}. */
    public static String text(long bytes) {
        return bytes < GIB ? String.format(Locale.ROOT, "%.1f MiB", bytes / MIB)
                : String.format(Locale.ROOT, "%.1f GiB", bytes / GIB);
    }
}
