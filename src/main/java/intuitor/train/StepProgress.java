package intuitor.train;

/** Hears how far a step of training has come: at every token, and before every part that is computed at once. */
@FunctionalInterface
interface StepProgress {

    /** Nobody listens. */
    StepProgress NONE = (phase, done, of) -> { };

    /** What a step does, one after the other; some steps leave some out. */
    enum Phase {
        /** In tokens, of at most as many. */
        GENERATING,
        /** The certainty or the reference's log-probabilities of given completions, in parts. */
        SCORING,
        /** In parts of an update; there are num_iterations of them. */
        TRAINING
    }

    void at(Phase phase, long done, long of);
}
