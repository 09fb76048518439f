package intuitor.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import intuitor.train.GrpoConfig.RewardScale;
import org.junit.jupiter.api.Test;

class AdvantagesTest {

    /** By hand: mean 1.5, squares 0.25 + 2.25 + 0.25 + 2.25 over 3 (ddof = 1). */
    @Test
    void groupIsCentredAndScaled() {
        Advantages a = Advantages.of(new double[][] {{1, 3, 2, 0}, {1, 3}}, RewardScale.GROUP);
        double std = Math.sqrt((0.25 + 2.25 + 0.25 + 2.25) / 3);
        assertEquals(std, a.groupStd()[0], 1e-15);
        assertArrayEquals(new double[] {-0.5 / (std + 1e-4), 1.5 / (std + 1e-4), 0.5 / (std + 1e-4),
                -1.5 / (std + 1e-4)}, a.values()[0], 1e-15);
        assertArrayEquals(new double[] {-1 / (Math.sqrt(2) + 1e-4), 1 / (Math.sqrt(2) + 1e-4)}, a.values()[1], 1e-15);
    }

    /** The mean of three 0.1 is not 0.1 in binary; the advantages are 0 all the same. */
    @Test
    void identicalRewardsGiveExactlyZero() {
        Advantages a = Advantages.of(new double[][] {{0.1, 0.1, 0.1}, {7}, {1, 2}}, RewardScale.GROUP);
        assertArrayEquals(new double[] {0, 0, 0}, a.values()[0]);
        assertArrayEquals(new double[] {0}, a.values()[1]);
        assertEquals(2.0 / 3, a.fractionZeroStd());
    }

    @Test
    void otherScales() {
        double[][] rewards = {{1, 3}, {5, 5}};
        assertArrayEquals(new double[] {-1, 1}, Advantages.of(rewards, RewardScale.NONE).values()[0]);
        double batchStd = Math.sqrt((6.25 + 0.25 + 2.25 + 2.25) / 3);
        Advantages batch = Advantages.of(rewards, RewardScale.BATCH);
        assertArrayEquals(new double[] {-1 / (batchStd + 1e-4), 1 / (batchStd + 1e-4)}, batch.values()[0], 1e-15);
        assertArrayEquals(new double[] {0, 0}, batch.values()[1]);
    }
}
