package intuitor.experiment;

import java.util.List;

/**
 * Runs with the same settings but for their seed.
 *
 * @param name as tables and pictures call it
 * @param runs one for each seed
 */
public record Arm(String name, List<PlannedRun> runs) { }
