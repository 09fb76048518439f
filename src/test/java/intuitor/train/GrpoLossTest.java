package intuitor.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.api.Test;

class GrpoLossTest {

    private static final double LN2 = Math.log(2);

    private final GrpoLoss loss = new GrpoLoss(0.2, 0.1);

    /** By hand. Ratio 2 is cut to 1.2 for a positive advantage, ratio 1/2 to 0.8 for a negative one; not otherwise. */
    @Test
    void ratioIsClippedOnTheSideThatWouldGainByIt() {
        GrpoLoss clipOnly = new GrpoLoss(0.2, 0);
        assertEquals(-1.2 * 3, clipOnly.loss(-1, -1 - LN2, 0, 3), 1e-12);
        assertEquals(2.0 * 3, clipOnly.loss(-1, -1 - LN2, 0, -3), 1e-12);
        assertEquals(-0.5 * 3, clipOnly.loss(-1, -1 + LN2, 0, 3), 1e-12);
        assertEquals(0.8 * 3, clipOnly.loss(-1, -1 + LN2, 0, -3), 1e-12);
        assertEquals(0, clipOnly.coefficient(-1, -1 - LN2, 0, 3));
        assertEquals(6, clipOnly.coefficient(-1, -1 - LN2, 0, -3), 1e-12);
        assertEquals(-1.5, clipOnly.coefficient(-1, -1 + LN2, 0, 3), 1e-12);
        assertEquals(0, clipOnly.coefficient(-1, -1 + LN2, 0, -3));
    }

    /** d = ln 2: k3 = 2 - ln 2 - 1; its derivative with respect to logp is 1 - 2. */
    @Test
    void klPenalty() {
        assertEquals(1 - LN2, GrpoLoss.k3(-1 - LN2, -1), 1e-12);
        assertEquals(-5 + 0.1 * (1 - LN2), loss.loss(-1 - LN2, -1 - LN2, -1, 5), 1e-12);
        assertEquals(-5 - 0.1, loss.coefficient(-1 - LN2, -1 - LN2, -1, 5), 1e-12);
    }

    /** The first Intuitor step: policy, old policy and reference are one, the loss is -A, its gradient -A. */
    @Test
    void firstStep() {
        assertEquals(-0.7, loss.loss(-3, -3, -3, 0.7));
        assertEquals(-0.7, loss.coefficient(-3, -3, -3, 0.7));
    }

    @Test
    void coefficientIsTheDerivativeOfTheLoss() {
        Random random = new Random(5);
        double h = 1e-6;
        for (int i = 0; i < 1000; i++) {
            double logprob = -5 * random.nextDouble();
            double old = logprob + random.nextGaussian() * 0.3;
            double reference = logprob + random.nextGaussian() * 0.5;
            double advantage = random.nextGaussian();
            double ratio = Math.exp(logprob - old);
            if (Math.abs(ratio - 0.8) < 1e-4 || Math.abs(ratio - 1.2) < 1e-4) {
                continue; // the loss has a kink there
            }
            double numeric = (loss.loss(logprob + h, old, reference, advantage)
                    - loss.loss(logprob - h, old, reference, advantage)) / (2 * h);
            assertEquals(numeric, loss.coefficient(logprob, old, reference, advantage), 1e-7);
        }
    }

    /** Lengths 1, 3, 2 and 2, at most 5: each aggregation by hand. */
    @Test
    void theFourAggregations() {
        int[] lengths = {1, 3, 2, 2};
        assertArrayEquals(new double[] {1 / 4.0, 1 / 12.0, 1 / 8.0, 1 / 8.0}, LossType.GRPO.weights(lengths, 5, 0));
        assertArrayEquals(new double[] {1 / 8.0, 1 / 8.0, 1 / 8.0, 1 / 8.0}, LossType.BNPO.weights(lengths, 5, 2));
        assertArrayEquals(new double[] {1 / 12.0, 1 / 12.0, 1 / 12.0, 1 / 4.0}, LossType.BNPO.weights(lengths, 5, 3));
        assertArrayEquals(new double[] {1 / 20.0, 1 / 20.0, 1 / 20.0, 1 / 20.0},
                LossType.DR_GRPO.weights(lengths, 5, 0));
        assertArrayEquals(new double[] {1 / 8.0, 1 / 8.0, 1 / 8.0, 1 / 8.0}, LossType.DAPO.weights(lengths, 5, 0));
    }

    /** In bnpo, local batches of one completion are grpo, and one batch of all is dapo. */
    @Test
    void bnpoLiesBetweenGrpoAndDapo() {
        int[] lengths = {4, 1, 7};
        assertArrayEquals(LossType.GRPO.weights(lengths, 9, 0), LossType.BNPO.weights(lengths, 9, 1));
        assertArrayEquals(LossType.DAPO.weights(lengths, 9, 0), LossType.BNPO.weights(lengths, 9, 0));
    }
}
