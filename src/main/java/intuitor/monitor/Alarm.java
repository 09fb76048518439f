package intuitor.monitor;

/**
 * The beginning of an episode in which a hazard is seen.
 *
 * @param step    whose metrics show it
 * @param hazard  what is seen
 * @param sound   the latest step whose metrics were not part of the evidence: its policy can be returned to
 * @param message with the figures, for people
 */
public record Alarm(int step, Hazard hazard, int sound, String message) { }
