package intuitor.reward;

/**
 * Judges the completions of a prompt. What it returns is a constant to the optimisation: no gradient flows through it.
 *
 * <p>A reward of your own is a public class with a public constructor without parameters, in a jar on the class path;
 * {@code reward_funcs} takes its full name. docs/rewards.md shows one. It must be a function of what it is given, or a
 * run that is resumed ends differently from one that never stopped.
 */
@FunctionalInterface
public interface Reward extends AutoCloseable {

    /**
     * One number for each completion of the group, in order; NaN where there is nothing to judge by: such a completion
     * learns nothing from this reward.
     */
    double[] score(RewardContext context);

    /** Called once before the first step: the time to look for what the reward needs. */
    default void prepare() { }

    /** Called once after the last step. */
    @Override
    default void close() { }

    /** Whether it reads the prompts' answers. Where no chosen reward does, training never sees them. */
    default boolean needsAnswers() {
        return false;
    }
}
