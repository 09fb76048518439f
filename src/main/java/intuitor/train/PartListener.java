package intuitor.train;

/** Is told before each part of a long computation, and may end it: by {@link intuitor.rollout.StopRequested}. */
@FunctionalInterface
interface PartListener {

    /** Nobody listens. */
    PartListener NONE = (part, of) -> { };

    /** @param part from 0 */
    void before(int part, int of);
}
