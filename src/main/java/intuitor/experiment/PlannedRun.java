package intuitor.experiment;

import intuitor.train.GrpoConfig;

/**
 * One training run of an experiment.
 *
 * @param name   of its run folder
 * @param config all its settings
 */
public record PlannedRun(String name, GrpoConfig config) {

    /** The run's. */
    public long seed() {
        return config.seed();
    }
}
