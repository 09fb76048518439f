package intuitor.report;

import java.util.Locale;

/** Spans of time for people. */
public final class Durations {

    private Durations() { }

    /** {@code 0:07}, {@code 12:34} or {@code 1:02:03}. */
    public static String text(double seconds) {
        long s = Math.max(0, Math.round(seconds));
        return s < 3600 ? String.format(Locale.ROOT, "%d:%02d", s / 60, s % 60)
                : String.format(Locale.ROOT, "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
    }
}
