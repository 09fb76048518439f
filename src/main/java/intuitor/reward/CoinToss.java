package intuitor.reward;

import intuitor.rollout.Completion;

/**
 * 0 or 1 with equal probability, whatever the completion says: the control that every other reward must beat (Shao et
 * al. 2025, "Spurious Rewards", arXiv 2506.10947). A function of seed, step, prompt and completion.
 */
final class CoinToss implements Reward {

    @Override
    public double[] score(RewardContext context) {
        return context.completions().stream().mapToDouble(c -> toss(context.seed(), context.step(), c)).toArray();
    }

    private static double toss(long seed, long step, Completion completion) {
        long h = mix(seed);
        h = mix(h ^ step);
        h = mix(h ^ completion.prompt());
        h = mix(h ^ completion.index());
        return h >>> 63;
    }

    /** SplitMix64 (Steele, Lea and Flood 2014): every bit of the result depends on every bit of x. */
    private static long mix(long x) {
        long z = x + 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
