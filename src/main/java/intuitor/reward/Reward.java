package intuitor.reward;

import intuitor.rollout.Group;

/**
 * Judges the completions of a prompt. What it returns is a constant to the optimisation: no gradient flows through it.
 */
public interface Reward {

    /** Name in the metrics: {@code rewards/NAME/mean}. */
    String name();

    /** One number for each completion of the group, in order. */
    double[] score(Group group);
}
