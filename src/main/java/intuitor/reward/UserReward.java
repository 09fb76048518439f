package intuitor.reward;

import intuitor.UserError;

/** A reward that does not come along: what goes wrong in it is said in one line, under its name. */
final class UserReward implements Reward {

    private final String name;
    private final Reward reward;

    UserReward(String name, Reward reward) {
        this.name = name;
        this.reward = reward;
    }

    @Override
    public void prepare() {
        try {
            reward.prepare();
        } catch (RuntimeException e) {
            throw new UserError("reward " + name + ": " + e, e);
        }
    }

    @Override
    public void close() {
        reward.close();
    }

    @Override
    public boolean needsAnswers() {
        return reward.needsAnswers();
    }

    @Override
    public double[] score(RewardContext context) {
        String where = "reward " + name + ", step " + (context.step() + 1) + ": ";
        double[] scores;
        try {
            scores = reward.score(context);
        } catch (RuntimeException e) {
            throw new UserError(where + e, e);
        }
        int n = context.completions().size();
        if (scores == null || scores.length != n) {
            throw new UserError(where + (scores == null ? "null" : scores.length + " numbers") + " for " + n
                    + " completions");
        }
        for (double score : scores) {
            if (Double.isInfinite(score)) {
                throw new UserError(where + "an infinite reward; NaN is for a completion that cannot be judged");
            }
        }
        return scores;
    }
}
