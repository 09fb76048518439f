package intuitor.train;

import java.nio.file.Path;
import java.util.Map;

/**
 * How a run ended.
 *
 * @param folder     of the run
 * @param step       steps made
 * @param totalSteps steps it was to make
 * @param finished   whether it came to its end, rather than being stopped
 * @param summary    what {@code summary.json} says; empty if it was stopped
 */
public record RunResult(Path folder, int step, int totalSteps, boolean finished, Map<String, Object> summary) { }
