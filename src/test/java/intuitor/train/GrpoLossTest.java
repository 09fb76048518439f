package intuitor.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GrpoLossTest {

    private static final double LN2 = Math.log(2);
    private static final double NEVER = Double.POSITIVE_INFINITY;

    private final GrpoLoss loss = new GrpoLoss(false, 0.2, 0.2, NEVER, 0.1);

    /** By hand. Ratio 2 is cut to 1.2 for a positive advantage, ratio 1/2 to 0.8 for a negative one; not otherwise. */
    @Test
    void ratioIsClippedOnTheSideThatWouldGainByIt() {
        assertEquals(-1.2 * 3, loss.policy(LN2, -1, 3), 1e-12);
        assertEquals(2.0 * 3, loss.policy(LN2, -1, -3), 1e-12);
        assertEquals(-0.5 * 3, loss.policy(-LN2, -1, 3), 1e-12);
        assertEquals(0.8 * 3, loss.policy(-LN2, -1, -3), 1e-12);
        assertEquals(0, loss.policyCoefficient(LN2, 3));
        assertEquals(6, loss.policyCoefficient(LN2, -3), 1e-12);
        assertEquals(-1.5, loss.policyCoefficient(-LN2, 3), 1e-12);
        assertEquals(0, loss.policyCoefficient(-LN2, -3));
        assertTrue(loss.isClippedHigh(LN2, 3) && loss.isClippedLow(-LN2, -3));
        assertFalse(loss.isClippedHigh(LN2, -3) || loss.isClippedLow(-LN2, 3));
    }

    /** DAPO's clip-higher: with epsilon_high 0.5 ratio 1.4 is free, ratio 2 cut to 1.5. */
    @Test
    void theUpperBoundHasItsOwnEpsilon() {
        GrpoLoss higher = new GrpoLoss(false, 0.2, 0.5, NEVER, 0);
        assertEquals(-1.4, higher.policy(Math.log(1.4), -1, 1), 1e-12);
        assertEquals(-1.4, higher.policyCoefficient(Math.log(1.4), 1), 1e-12);
        assertEquals(-1.5, higher.policy(LN2, -1, 1), 1e-12);
        assertEquals(0, higher.policyCoefficient(LN2, 1));
        assertEquals(0.8, higher.policy(-LN2, -1, -1), 1e-12);
    }

    /** INTELLECT-2's second bound: a ratio of 8 with a negative advantage would weigh 8; delta makes it 4. */
    @Test
    void deltaBoundsTheRatioOfBadTokensToo() {
        GrpoLoss twoSided = new GrpoLoss(false, 0.2, 0.2, 4, 0);
        assertEquals(4 * 3, twoSided.policy(3 * LN2, -1, -3), 1e-12);
        assertEquals(0, twoSided.policyCoefficient(3 * LN2, -3));
        assertEquals(2 * 3, twoSided.policy(LN2, -1, -3), 1e-12);
        assertEquals(6, twoSided.policyCoefficient(LN2, -3), 1e-12);
        assertEquals(-1.2 * 3, twoSided.policy(3 * LN2, -1, 3), 1e-12);
    }

    /** Ratio 8 weighs 5, ratio 1/2 weighs 1/2, whatever the advantage's sign; the gradient goes through logp alone. */
    @Test
    void cisposWeightIsClippedAndNotDifferentiated() {
        GrpoLoss cispo = new GrpoLoss(true, 0.2, 5, NEVER, 0);
        assertEquals(-5 * 3 * -0.5, cispo.policy(3 * LN2, -0.5, 3), 1e-12);
        assertEquals(-5 * 3, cispo.policyCoefficient(3 * LN2, 3), 1e-12);
        assertEquals(5 * 3, cispo.policyCoefficient(3 * LN2, -3), 1e-12);
        assertEquals(-0.5 * 3, cispo.policyCoefficient(-LN2, 3), 1e-12);
        assertTrue(cispo.isClippedHigh(3 * LN2, 3));
        assertFalse(cispo.isClippedHigh(2 * LN2, 3) || cispo.isClippedLow(-3 * LN2, -3));
    }

    /** d = ln 2: k3 = 2 - ln 2 - 1; its derivative with respect to logp is 1 - 2. */
    @Test
    void klPenalty() {
        assertEquals(1 - LN2, GrpoLoss.k3(-1 - LN2, -1), 1e-12);
        assertEquals(0.1 * (1 - LN2), loss.kl(-1 - LN2, -1), 1e-12);
        assertEquals(-0.1, loss.klCoefficient(-1 - LN2, -1), 1e-12);
        assertEquals(0, new GrpoLoss(false, 0.2, 0.2, NEVER, 0).kl(-7, -1));
    }

    /** The first Intuitor step: policy, old policy and reference are one, the loss is -A, its gradient -A. */
    @Test
    void firstStep() {
        assertEquals(-0.7, loss.policy(0, -3, 0.7) + loss.kl(-3, -3));
        assertEquals(-0.7, loss.policyCoefficient(0, 0.7) + loss.klCoefficient(-3, -3));
    }

    @Test
    void coefficientsAreTheDerivativesOfTheLoss() {
        for (GrpoLoss l : new GrpoLoss[] {loss, new GrpoLoss(false, 0.2, 0.28, 2, 0.1),
                new GrpoLoss(true, 0.2, 1.5, NEVER, 0.1)}) {
            Random random = new Random(5);
            double h = 1e-6;
            for (int i = 0; i < 1000; i++) {
                double logprob = -5 * random.nextDouble();
                double logRatio = random.nextGaussian() * 0.5;
                double reference = logprob + random.nextGaussian() * 0.5;
                double advantage = random.nextGaussian();
                // cispo's weight stays as it is
                double moved = l.cispo() ? 0 : h;
                double numeric = (l.policy(logRatio + moved, logprob + h, advantage)
                        - l.policy(logRatio - moved, logprob - h, advantage)) / (2 * h);
                assertEquals(numeric, l.policyCoefficient(logRatio, advantage), 1e-7);
                double numericKl = (l.kl(logprob + h, reference) - l.kl(logprob - h, reference)) / (2 * h);
                assertEquals(numericKl, l.klCoefficient(logprob, reference), 1e-7);
            }
        }
    }

    @Test
    void settingsBecomeBounds() {
        assertEquals(new GrpoLoss(false, 0.1, 0.1, NEVER, 0.005),
                GrpoLoss.of(GrpoConfigTest.config(Map.of("epsilon", "0.1"))));
        assertEquals(new GrpoLoss(false, 0.2, 0.28, 4, 0), GrpoLoss.of(GrpoConfigTest.config(
                Map.of("epsilon_high", "0.28", "delta", "4", "beta", "0"))));
        assertEquals(new GrpoLoss(true, 0.2, 5, NEVER, 0.005), GrpoLoss.of(GrpoConfigTest.config(
                Map.of("loss_type", "cispo", "epsilon_high", "5"))));
    }

    /** Lengths 1, 3, 2 and 2, at most 5: each aggregation by hand. */
    @Test
    void theAggregations() {
        int[] lengths = {1, 3, 2, 2};
        assertArrayEquals(new double[] {1 / 4.0, 1 / 12.0, 1 / 8.0, 1 / 8.0}, LossType.GRPO.weights(lengths, 5, 0));
        assertArrayEquals(new double[] {1 / 8.0, 1 / 8.0, 1 / 8.0, 1 / 8.0}, LossType.BNPO.weights(lengths, 5, 2));
        assertArrayEquals(new double[] {1 / 12.0, 1 / 12.0, 1 / 12.0, 1 / 4.0}, LossType.BNPO.weights(lengths, 5, 3));
        assertArrayEquals(new double[] {1 / 20.0, 1 / 20.0, 1 / 20.0, 1 / 20.0},
                LossType.DR_GRPO.weights(lengths, 5, 0));
        assertArrayEquals(new double[] {1 / 8.0, 1 / 8.0, 1 / 8.0, 1 / 8.0}, LossType.DAPO.weights(lengths, 5, 0));
        assertArrayEquals(new double[] {1 / 8.0, 1 / 8.0, 1 / 8.0, 1 / 8.0}, LossType.CISPO.weights(lengths, 5, 0));
    }

    /** Lengths 1, (3) and 2, the second left out: the others keep their part, but the token means are over theirs. */
    @Test
    void completionsThatAreLeftOutWeighNothing() {
        int[] lengths = {1, 0, 2};
        assertArrayEquals(new double[] {1 / 3.0, 0, 1 / 6.0}, LossType.GRPO.weights(lengths, 5, 0));
        assertArrayEquals(new double[] {1 / 2.0, 0, 1 / 4.0}, LossType.BNPO.weights(lengths, 5, 2));
        assertArrayEquals(new double[] {1 / 15.0, 0, 1 / 15.0}, LossType.DR_GRPO.weights(lengths, 5, 0));
        assertArrayEquals(new double[] {1 / 3.0, 0, 1 / 3.0}, LossType.DAPO.weights(lengths, 5, 0));
        for (LossType type : LossType.values()) {
            assertArrayEquals(new double[2], type.weights(new int[2], 5, 1));
        }
    }

    /** In bnpo, local batches of one completion are grpo, and one batch of all is dapo. */
    @Test
    void bnpoLiesBetweenGrpoAndDapo() {
        int[] lengths = {4, 1, 7};
        assertArrayEquals(LossType.GRPO.weights(lengths, 9, 0), LossType.BNPO.weights(lengths, 9, 1));
        assertArrayEquals(LossType.DAPO.weights(lengths, 9, 0), LossType.BNPO.weights(lengths, 9, 0));
    }
}
