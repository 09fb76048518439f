package intuitor.monitor;

import java.util.Locale;

/** A way in which a run goes wrong. {@link Detectors} say how each shows in the metrics. */
public enum Hazard {

    /**
     * The policy is certain of everything it writes, and its self-certainty no longer tells one completion from
     * another.
     */
    COLLAPSE,
    /** Completions grow, and more and more of them do not end. */
    LENGTH_EXPLOSION,
    /** Completions say the same again and again. */
    REPETITION,
    /** Completions hold long runs of their own prompt, or of what is written under other prompts. */
    COPYING,
    /**
     * The reward rises while completions agree less, or fewer answers to the labelled problems are right; or it prefers
     * these less than it did.
     */
    REWARD_HACKING;

    /** As in the log: {@code length_explosion}. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }
}
