package intuitor.reward;

import intuitor.UserError;
import java.util.function.Supplier;

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
        guarded("prepare", () -> {
            reward.prepare();
            return null;
        });
    }

    @Override
    public void close() {
        guarded("close", () -> {
            reward.close();
            return null;
        });
    }

    @Override
    public boolean needsAnswers() {
        return guarded("needsAnswers", reward::needsAnswers);
    }

    @Override
    public double[] score(RewardContext context) {
        String step = "step " + (context.step() + 1);
        double[] scores = guarded(step, () -> reward.score(context));
        String where = where(step);
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

    /** Not only exceptions: a class compiled against another library, or one that calls itself for ever, is theirs. */
    private <T> T guarded(String doing, Supplier<T> work) {
        try {
            return work.get();
        } catch (RuntimeException | LinkageError | VirtualMachineError | AssertionError e) {
            throw new UserError(where(doing) + e, e);
        }
    }

    private String where(String doing) {
        return "reward " + name + ", " + doing + ": ";
    }
}
