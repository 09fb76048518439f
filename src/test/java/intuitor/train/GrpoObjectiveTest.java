package intuitor.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import intuitor.train.GrpoConfig.ImportanceSamplingLevel;
import intuitor.train.GrpoConfig.RewardScale;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** A whole step's loss on small ragged examples. */
class GrpoObjectiveTest {

    private static final double BETA = 0.1;
    private static final double NEVER = Double.POSITIVE_INFINITY;

    // one prompt, completions of 1, 3 and 2 tokens, rewards 1, 2 and 6

    private final int[] lengths = {1, 3, 2};
    private final int[] completionOf = {0, 1, 1, 1, 2, 2};
    private final float[] policy = {-1f, -0.5f, -2f, -0.25f, -3f, -1.5f};
    private final float[] reference = {-1.5f, -0.5f, -1f, -0.25f, -2.5f, -2f};

    /** mean 3, deviations -2, -1, 3; ddof = 1: std = sqrt(14 / 2). */
    private final double[] advantages = {-2 / (Math.sqrt(7) + 1e-4), -1 / (Math.sqrt(7) + 1e-4),
            3 / (Math.sqrt(7) + 1e-4)};

    /** k3 of d = -0.5, 0, 1, 0, 0.5, -0.5, worked out apart from the code under test. */
    private final double[] k3 = {0.10653065971263342, 0, 0.7182818284590451, 0, 0.14872127070012815,
            0.10653065971263342};

    @Test
    void advantagesByHand() {
        assertArrayEquals(advantages, Advantages.normalised(new double[][] {{1, 2, 6}}, RewardScale.GROUP)[0], 1e-15);
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "CISPO")
    void lossAndCoefficientsByHand(LossType type) {
        double[] weights = switch (type) {
            case GRPO -> new double[] {1 / 3.0, 1 / 9.0, 1 / 6.0};
            case BNPO -> new double[] {1 / 8.0, 1 / 8.0, 1 / 4.0}; // local batches of two: 4 tokens, then 2
            case DR_GRPO -> new double[] {1 / 15.0, 1 / 15.0, 1 / 15.0}; // at most 5 tokens
            case DAPO, CISPO -> new double[] {1 / 6.0, 1 / 6.0, 1 / 6.0};
        };
        assertArrayEquals(weights, type.weights(lengths, 5, 2), 1e-15);
        double expectedLoss = 0;
        float[] expected = new float[6];
        for (int t = 0; t < 6; t++) {
            double w = weights[completionOf[t]];
            double a = advantages[completionOf[t]];
            expectedLoss += w * (-a + BETA * k3[t]);
            expected[t] = (float) (w * (-a + BETA * (1 - Math.exp(reference[t] - policy[t]))));
        }
        GrpoObjective objective = GrpoObjective.ofTokens(clipped(BETA), tokens(weights, null, reference), null);
        // two micro-batches, the first of them in two chunks
        float[] coefficients = new float[6];
        run(objective, 0, 0, 1, coefficients);
        run(objective, 0, 1, 4, coefficients);
        run(objective, 4, 0, 2, coefficients);
        assertArrayEquals(expected, coefficients, 1e-7f);
        assertEquals(expectedLoss, objective.loss(), 1e-12);
        assertEquals((k3[0] + k3[2] + k3[4] + k3[5]) / 6, objective.kl(), 1e-12);
        assertArrayEquals(policy, objective.logprobs());
        assertEquals(0, objective.clippedLow() + objective.clippedHigh());
    }

    /**
     * What was drawn by something else than the policy: a token counts more where the policy finds it likelier, but no
     * more than the cap; the KL term is not weighted. In a second update the weights are still those of the first.
     */
    @Test
    void tokensAreWeightedByHowLikelyThePolicyFindsThem() {
        double[] importance = {1, 1.25, 0.5, 2, 1, 0.8}; // the fourth is 4, but cut
        float[] sampled = new float[6];
        double[] uncut = {1, 1.25, 0.5, 4, 1, 0.8};
        for (int t = 0; t < 6; t++) {
            sampled[t] = (float) (policy[t] - Math.log(uncut[t]));
        }
        double[] weights = {1 / 6.0, 1 / 6.0, 1 / 6.0};
        LossTokens drawnElsewhere = new LossTokens(completionOf, lengths, advantages, weights, null, reference,
                sampled, 2);
        GrpoObjective first = GrpoObjective.ofTokens(clipped(BETA), drawnElsewhere, null);
        float[] coefficients = new float[6];
        run(first, 0, 0, 6, coefficients);
        double expectedLoss = 0;
        float[] expected = new float[6];
        for (int t = 0; t < 6; t++) {
            double a = importance[t] * advantages[completionOf[t]];
            expectedLoss += (-a + BETA * k3[t]) / 6;
            expected[t] = (float) ((-a + BETA * (1 - Math.exp(reference[t] - policy[t]))) / 6);
        }
        assertArrayEquals(expected, coefficients, 1e-7f);
        assertEquals(expectedLoss, first.loss(), 1e-7);

        // the policy has moved by 0.1 on the fifth token: a ratio of 1.105, within the interval
        float[] old = policy.clone();
        policy[4] += 0.1f;
        GrpoObjective second = GrpoObjective.ofTokens(clipped(0), drawnElsewhere, old);
        run(second, 0, 0, 6, coefficients);
        assertEquals(-importance[4] * Math.exp(0.1) * advantages[2] / 6, coefficients[4], 1e-6);
        assertEquals(-importance[3] * advantages[1] / 6, coefficients[3], 1e-6);
    }

    /** Without a KL term the loss of a step is 0 under grpo, but the gradient is not. */
    @Test
    void theLossIsZeroAndTheGradientIsNot() {
        double[] weights = LossType.GRPO.weights(lengths, 5, 0);
        GrpoObjective objective = GrpoObjective.ofTokens(clipped(0), tokens(weights, null, null), null);
        float[] coefficients = new float[6];
        run(objective, 0, 0, 6, coefficients);
        assertEquals(0, objective.loss(), 1e-15);
        assertArrayEquals(new float[] {(float) (-advantages[0] / 3), (float) (-advantages[1] / 9),
                (float) (-advantages[1] / 9), (float) (-advantages[1] / 9), (float) (-advantages[2] / 6),
                (float) (-advantages[2] / 6)}, coefficients, 1e-7f);
    }

    /**
     * A second update. Ratios 1/2; 2, 1, 1; 1.5, 1 with advantages -, -, +: the first is cut to 0.8, the last but one
     * to 1.2, the 2 is not, as it makes a bad token worse.
     */
    @Test
    void ratiosOfALaterUpdateByHand() {
        float[] old = {(float) (-1 + Math.log(2)), (float) (-0.5 - Math.log(2)), -2f, -0.25f,
                (float) (-3 - Math.log(1.5)), -1.5f};
        double[] weights = {1, 1, 1};
        GrpoObjective objective = GrpoObjective.ofTokens(clipped(0), tokens(weights, null, null), old);
        float[] coefficients = new float[6];
        run(objective, 0, 0, 6, coefficients);
        double a0 = advantages[0];
        double a1 = advantages[1];
        double a2 = advantages[2];
        assertArrayEquals(new float[] {0, (float) (-2 * a1), (float) -a1, (float) -a1, 0, (float) -a2}, coefficients,
                1e-6f);
        assertEquals(-0.8 * a0 - (2 + 1 + 1) * a1 - (1.2 + 1) * a2, objective.loss(), 1e-6);
        assertEquals(1 / 6.0, objective.clippedLow());
        assertEquals(1 / 6.0, objective.clippedHigh());
    }

    /**
     * GSPO. Completion 1 has ratios 8, 1, 1: s = 2, which is not cut with its negative advantage. Completion 2 has 4,
     * 1: s = 2, cut to 1.2. Of completion 1 one token of three is in the policy term.
     */
    @Test
    void aRatioOfAWholeCompletionByHand() {
        float[] old = {-1f, (float) (-0.5 - Math.log(8)), -2f, -0.25f, (float) (-3 - Math.log(4)), -1.5f};
        double[] weights = {1 / 3.0, 1 / 9.0, 1 / 6.0};
        boolean[] in = {true, false, true, false, true, true};
        GrpoObjective objective = GrpoObjective.ofSequences(clipped(0), tokens(weights, in, null), old, policy);
        float[] coefficients = new float[6];
        run(objective, 0, 0, 6, coefficients);
        float each = (float) (-2 * advantages[1] / 3 / 9);
        assertArrayEquals(new float[] {(float) (-advantages[0] / 3), each, each, each, 0, 0}, coefficients, 1e-6f);
        assertEquals(-advantages[0] / 3 - 2 * advantages[1] / 9 - 1.2 * advantages[2] / 3, objective.loss(), 1e-6);
        assertEquals(2 / 6.0, objective.clippedHigh());
    }

    /** Nothing of a completion that is left out is in the loss, the KL or the metrics. */
    @Test
    void completionsOfWeightZeroAreNotThere() {
        GrpoObjective objective = GrpoObjective.ofTokens(clipped(BETA), tokens(new double[] {1, 0, 0}, null, reference),
                null);
        float[] coefficients = new float[6];
        run(objective, 0, 0, 6, coefficients);
        assertArrayEquals(new float[5], Arrays.copyOfRange(coefficients, 1, 6));
        assertEquals(-advantages[0] + BETA * k3[0], objective.loss(), 1e-12);
        assertEquals(k3[0], objective.kl(), 1e-12);
        GrpoObjective none = GrpoObjective.ofTokens(clipped(BETA), tokens(new double[3], null, reference), null);
        run(none, 0, 0, 6, coefficients);
        assertArrayEquals(new float[6], coefficients);
        assertEquals(0, none.loss() + none.kl());
    }

    /** Coefficients beside finite differences of the loss, written down a second time: TRL's way, padded and masked. */
    @ParameterizedTest
    @CsvSource({"GRPO, TOKEN, 0, 1", "BNPO, TOKEN, 0, 1", "DR_GRPO, TOKEN, 2, 0.5", "DAPO, TOKEN, 0, 0.3",
            "GRPO, SEQUENCE, 0, 1", "GRPO, SEQUENCE, 1.6, 0.5", "DAPO, SEQUENCE, 0, 0.5", "CISPO, TOKEN, 0, 0.5"})
    void theGradientIsThatOfTheLoss(LossType type, ImportanceSamplingLevel level, double delta, double quantile) {
        Padded p = new Padded(type, level, delta == 0 ? NEVER : delta, quantile, new Random(11));
        GrpoLoss loss = new GrpoLoss(type == LossType.CISPO, 0.2, type == LossType.CISPO ? 1.5 : 0.28, p.delta, BETA);
        LossTokens tokens = new LossTokens(LossTokens.completionOf(p.lengths), p.lengths, p.advantage,
                type.weights(p.counted(), p.width, 2), p.flatMask(), p.flat(p.reference), null, 0);
        float[] old = p.flat(p.old);
        float[] current = p.flat(p.logprob);
        GrpoObjective objective = level == ImportanceSamplingLevel.TOKEN ? GrpoObjective.ofTokens(loss, tokens, old)
                : GrpoObjective.ofSequences(loss, tokens, old, current);
        float[] coefficients = new float[current.length];
        objective.from(0).coefficients(0, current.length, current, coefficients);
        assertEquals(p.loss(p.logprob), objective.loss(), 1e-9);
        double h = 1e-6;
        int token = 0;
        for (int i = 0; i < p.lengths.length; i++) {
            for (int t = 0; t < p.lengths[i]; t++) {
                double at = p.logprob[i][t];
                p.logprob[i][t] = at + h;
                double above = p.loss(p.logprob);
                p.logprob[i][t] = at - h;
                double below = p.loss(p.logprob);
                p.logprob[i][t] = at;
                assertEquals((above - below) / (2 * h), coefficients[token], 1e-7, "completion " + i + ", token " + t);
                token++;
            }
        }
    }

    /** Random completions in padded arrays, the fourth of six left out, and their loss. */
    private static final class Padded {

        final int width = 7;
        final int[] lengths = {3, 1, 7, 4, 5, 2};
        final double[] advantage = new double[6];
        final double[][] logprob = new double[6][width];
        final double[][] old = new double[6][width];
        final double[][] reference = new double[6][width];
        final boolean[][] mask = new boolean[6][width];
        final boolean[][] policyMask = new boolean[6][width];
        final double delta;
        private final LossType type;
        private final ImportanceSamplingLevel level;
        private double[][] frozenWeight;

        Padded(LossType type, ImportanceSamplingLevel level, double delta, double quantile, Random random) {
            this.type = type;
            this.level = level;
            this.delta = delta;
            for (int i = 0; i < 6; i++) {
                advantage[i] = random.nextGaussian();
                double drift = 0.3 * random.nextGaussian();
                for (int t = 0; t < lengths[i]; t++) {
                    // floats, as the engine has them
                    logprob[i][t] = (float) (-3 * random.nextDouble());
                    old[i][t] = (float) (logprob[i][t] + drift + 0.3 * random.nextGaussian());
                    reference[i][t] = (float) (logprob[i][t] + 0.5 * random.nextGaussian());
                    mask[i][t] = i != 3;
                    policyMask[i][t] = mask[i][t] && (quantile == 1 || random.nextDouble() < quantile);
                }
            }
        }

        int[] counted() {
            int[] counted = lengths.clone();
            counted[3] = 0;
            return counted;
        }

        boolean[] flatMask() {
            boolean[] flat = new boolean[22];
            int token = 0;
            for (int i = 0; i < 6; i++) {
                for (int t = 0; t < lengths[i]; t++) {
                    flat[token++] = policyMask[i][t];
                }
            }
            return flat;
        }

        float[] flat(double[][] padded) {
            float[] flat = new float[22];
            int token = 0;
            for (int i = 0; i < 6; i++) {
                for (int t = 0; t < lengths[i]; t++) {
                    flat[token++] = (float) padded[i][t];
                }
            }
            return flat;
        }

        double loss(double[][] logp) {
            double[][] perToken = new double[6][width];
            double[][] weight = new double[6][width];
            for (int i = 0; i < 6; i++) {
                double mean = 0;
                for (int t = 0; t < lengths[i]; t++) {
                    mean += (logp[i][t] - old[i][t]) / lengths[i];
                }
                for (int t = 0; t < lengths[i]; t++) {
                    double ratio = Math.exp(level == ImportanceSamplingLevel.SEQUENCE ? mean : logp[i][t] - old[i][t]);
                    weight[i][t] = Math.min(ratio, 1.5);
                    double w = frozenWeight == null ? weight[i][t] : frozenWeight[i][t];
                    double clipped = Math.max(0.8, Math.min(1.28, ratio));
                    double term = type == LossType.CISPO ? -w * advantage[i] * logp[i][t]
                            : -Math.min(Math.min(ratio, delta) * advantage[i], clipped * advantage[i]);
                    double d = reference[i][t] - logp[i][t];
                    perToken[i][t] = (policyMask[i][t] ? term : 0) + BETA * (Math.exp(d) - d - 1);
                }
            }
            frozenWeight = frozenWeight == null ? weight : frozenWeight;
            return switch (type) {
                case GRPO -> (mean(perToken, 0) + mean(perToken, 1) + mean(perToken, 2) + mean(perToken, 4)
                        + mean(perToken, 5)) / 6;
                case BNPO -> (sum(perToken, 0, 1) / 4 + sum(perToken, 2) / 7 + sum(perToken, 4, 5) / 7) / 3;
                case DR_GRPO -> sum(perToken, 0, 1, 2, 4, 5) / (6 * width);
                case DAPO, CISPO -> sum(perToken, 0, 1, 2, 4, 5) / 18;
            };
        }

        private double mean(double[][] x, int i) {
            return sum(x, i) / lengths[i];
        }

        private static double sum(double[][] x, int... rows) {
            double sum = 0;
            for (int i : rows) {
                for (double v : x[i]) {
                    sum += v;
                }
            }
            return sum;
        }
    }

    private static GrpoLoss clipped(double beta) {
        return new GrpoLoss(false, 0.2, 0.2, NEVER, beta);
    }

    private LossTokens tokens(double[] weights, boolean[] inPolicyTerm, float[] reference) {
        return new LossTokens(completionOf, lengths, advantages, weights, inPolicyTerm, reference, null, 0);
    }

    private void run(GrpoObjective objective, int firstToken, int from, int to, float[] coefficients) {
        float[] logprobs = new float[to - from];
        System.arraycopy(policy, firstToken + from, logprobs, 0, to - from);
        float[] out = new float[to - from];
        objective.from(firstToken).coefficients(from, to, logprobs, out);
        System.arraycopy(out, 0, coefficients, firstToken + from, to - from);
    }
}
