package intuitor.train;

import java.util.LinkedHashMap;
import java.util.Map;

/** How long the parts of a step took, in seconds. */
final class Timings {

    private final Map<String, Double> seconds = new LinkedHashMap<>();
    private long last = System.nanoTime();

    /** Ends the part of this name; the next begins. */
    void lap(String part) {
        long now = System.nanoTime();
        seconds.put(part, (now - last) * 1e-9);
        last = now;
    }

    Map<String, Double> seconds() {
        return seconds;
    }
}
