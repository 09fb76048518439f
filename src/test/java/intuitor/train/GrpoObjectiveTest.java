package intuitor.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import intuitor.rollout.Completion;
import intuitor.train.GrpoConfig.RewardScale;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A whole step's loss on a small ragged example: one prompt, completions of 1, 3 and 2 tokens, rewards 1, 2 and 6. */
class GrpoObjectiveTest {

    private static final double BETA = 0.1;

    private final List<Completion> completions = Groups.of(new int[] {0}, 1, 3, 2).completions();
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
    @EnumSource(LossType.class)
    void lossAndCoefficientsByHand(LossType type) {
        double[] weights = switch (type) {
            case GRPO -> new double[] {1 / 3.0, 1 / 9.0, 1 / 6.0};
            case BNPO -> new double[] {1 / 8.0, 1 / 8.0, 1 / 4.0}; // local batches of two: 4 tokens, then 2
            case DR_GRPO -> new double[] {1 / 15.0, 1 / 15.0, 1 / 15.0}; // at most 5 tokens
            case DAPO -> new double[] {1 / 6.0, 1 / 6.0, 1 / 6.0};
        };
        assertArrayEquals(weights, type.weights(new int[] {1, 3, 2}, 5, 2), 1e-15);
        double expectedLoss = 0;
        float[] expected = new float[6];
        for (int t = 0; t < 6; t++) {
            double w = weights[completionOf[t]];
            double a = advantages[completionOf[t]];
            expectedLoss += w * (-a + BETA * k3[t]);
            expected[t] = (float) (w * (-a + BETA * (1 - Math.exp(reference[t] - policy[t]))));
        }
        GrpoObjective objective = new GrpoObjective(new GrpoLoss(0.2, BETA), completions, advantages, weights,
                reference);
        // two micro-batches, the first of them in two chunks
        float[] coefficients = new float[6];
        run(objective, 0, 0, 1, coefficients);
        run(objective, 0, 1, 4, coefficients);
        run(objective, 4, 0, 2, coefficients);
        assertArrayEquals(expected, coefficients, 1e-7f);
        assertEquals(expectedLoss, objective.loss(), 1e-12);
        assertEquals((k3[0] + k3[2] + k3[4] + k3[5]) / 6, objective.kl(), 1e-12);
        assertArrayEquals(policy, objective.logprobs());
    }

    /** Without a KL term the loss of a step is 0 under grpo, but the gradient is not. */
    @Test
    void theLossIsZeroAndTheGradientIsNot() {
        double[] weights = LossType.GRPO.weights(new int[] {1, 3, 2}, 5, 0);
        GrpoObjective objective = new GrpoObjective(new GrpoLoss(0.2, 0), completions, advantages, weights, null);
        float[] coefficients = new float[6];
        run(objective, 0, 0, 6, coefficients);
        assertEquals(0, objective.loss(), 1e-15);
        assertArrayEquals(new float[] {(float) (-advantages[0] / 3), (float) (-advantages[1] / 9),
            (float) (-advantages[1] / 9), (float) (-advantages[1] / 9), (float) (-advantages[2] / 6),
            (float) (-advantages[2] / 6)}, coefficients, 1e-7f);
    }

    private void run(GrpoObjective objective, int firstToken, int from, int to, float[] coefficients) {
        float[] logprobs = new float[to - from];
        System.arraycopy(policy, firstToken + from, logprobs, 0, to - from);
        float[] out = new float[to - from];
        objective.from(firstToken).coefficients(from, to, logprobs, out);
        System.arraycopy(out, 0, coefficients, firstToken + from, to - from);
    }
}
