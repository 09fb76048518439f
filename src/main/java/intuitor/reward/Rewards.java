package intuitor.reward;

import intuitor.rollout.Group;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.function.Function;

/** The rewards of a run, each with its weight: {@code reward_funcs} and {@code reward_weights}. */
public final class Rewards implements AutoCloseable {

    private final List<String> names = new ArrayList<>();
    private final List<Reward> rewards = new ArrayList<>();
    private final double[] weights;

    /**
     * @param funcs   names of rewards, or of classes
     * @param weights of each, in order; empty: 1 for all
     * @throws IllegalArgumentException with one line that says which of them is wrong, and why
     */
    public Rewards(List<String> funcs, List<String> weights, RewardSettings settings) {
        require(!funcs.isEmpty(), "reward_funcs: name at least one reward");
        require(weights.isEmpty() || weights.size() == funcs.size(),
                "reward_weights: " + weights.size() + " for " + funcs.size() + " reward_funcs; give one for each");
        try {
            for (String func : funcs) {
                rewards.add(RewardFactory.make(func.strip(), settings));
                names.add(RewardFactory.shortName(func.strip()));
            }
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("reward_funcs: " + e.getMessage(), e);
        }
        require(new HashSet<>(names).size() == names.size(),
                "reward_funcs: a reward is named twice: " + String.join(", ", names));
        this.weights = new double[funcs.size()];
        for (int i = 0; i < this.weights.length; i++) {
            this.weights[i] = weights.isEmpty() ? 1 : parsed(weights.get(i));
        }
    }

    /** Looks for what the rewards need, before the first step. */
    public void prepare() {
        rewards.forEach(Reward::prepare);
    }

    /** Closes all of them; what the first that fails has thrown is thrown at the end. */
    @Override
    public void close() {
        RuntimeException failure = null;
        for (Reward reward : rewards) {
            try {
                reward.close();
            } catch (RuntimeException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    /** Names of those that read the prompts' answers; where there are none, training never sees an answer. */
    public List<String> thatNeedAnswers() {
        List<String> needing = new ArrayList<>();
        for (int i = 0; i < rewards.size(); i++) {
            if (rewards.get(i).needsAnswers()) {
                needing.add(names.get(i));
            }
        }
        return needing;
    }

    /** The weight of a reward; 0 where it is none of them. */
    public double weight(String name) {
        int i = names.indexOf(name);
        return i < 0 ? 0 : weights[i];
    }

    /**
     * Judges the completions of a step.
     *
     * @param answers the prompts' answers, null for each where there is none
     * @param decoder from tokens to text, without special tokens
     */
    public Scores score(List<Group> groups, List<String> answers, long seed, long step,
                        Function<int[], String> decoder) {
        double[][][] values = new double[rewards.size()][groups.size()][];
        for (int g = 0; g < groups.size(); g++) {
            // one for all rewards: a text is decoded once
            RewardContext context = new RewardContext(groups.get(g), answers.get(g), seed, step, decoder);
            for (int i = 0; i < rewards.size(); i++) {
                values[i][g] = rewards.get(i).score(context);
            }
        }
        return new Scores(List.copyOf(names), weights.clone(), values);
    }

    private static double parsed(String text) {
        try {
            double weight = Double.parseDouble(text.strip());
            require(Double.isFinite(weight), "reward_weights: expected finite numbers, found '" + text + "'");
            return weight;
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("reward_weights: expected numbers, found '" + text + "'", e);
        }
    }

    private static void require(boolean holds, String message) {
        if (!holds) {
            throw new IllegalArgumentException(message);
        }
    }
}
