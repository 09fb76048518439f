package intuitor.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import intuitor.reward.Scores;
import intuitor.train.GrpoConfig.Aggregation;
import intuitor.train.GrpoConfig.RewardScale;
import java.util.List;
import org.junit.jupiter.api.Test;

class AdvantagesTest {

    /** By hand: mean 1.5, squares 0.25 + 2.25 + 0.25 + 2.25 over 3 (ddof = 1). */
    @Test
    void groupIsCentredAndScaled() {
        double[][] a = Advantages.normalised(new double[][] {{1, 3, 2, 0}, {1, 3}}, RewardScale.GROUP);
        double std = Math.sqrt((0.25 + 2.25 + 0.25 + 2.25) / 3);
        assertArrayEquals(new double[] {-0.5 / (std + 1e-4), 1.5 / (std + 1e-4), 0.5 / (std + 1e-4),
                -1.5 / (std + 1e-4)}, a[0], 1e-15);
        assertArrayEquals(new double[] {-1 / (Math.sqrt(2) + 1e-4), 1 / (Math.sqrt(2) + 1e-4)}, a[1], 1e-15);
    }

    /** The mean of three 0.1 is not 0.1 in binary; the advantages are 0 all the same. */
    @Test
    void identicalRewardsGiveExactlyZero() {
        Advantages a = Advantages.of(scores(new double[] {1}, new double[][] {{0.1, 0.1, 0.1}, {7}, {1, 2}}),
                RewardScale.GROUP, Aggregation.NORMALIZE_THEN_SUM);
        assertArrayEquals(new double[] {0, 0, 0}, a.values()[0]);
        assertArrayEquals(new double[] {0}, a.values()[1]);
        assertEquals(2.0 / 3, a.fractionZeroStd());
    }

    /** Accuracy is 1, 1, 0 (mean 2/3, std 1/sqrt(3)), certainty 10, 30, 20 (mean 20, std 10), of weights 1 and 0.5. */
    @Test
    void eachRewardIsNormalisedOnItsOwn() {
        double[][] a = Advantages.of(scores(new double[] {1, 0.5}, new double[][] {{1, 1, 0}},
                new double[][] {{10, 30, 20}}), RewardScale.GROUP, Aggregation.NORMALIZE_THEN_SUM).values();
        double accuracy = Math.sqrt(1 / 3.0) + 1e-4;
        double certainty = 10 + 1e-4;
        assertArrayEquals(new double[] {1 / 3.0 / accuracy - 5 / certainty, 1 / 3.0 / accuracy + 5 / certainty,
            -2 / 3.0 / accuracy}, a[0], 1e-12);
    }

    /** Sums 1 + 5, 1 + 15 and 0 + 10 of the same: mean 32/3, deviations -14/3, 16/3 and -2/3. */
    @Test
    void orTheirWeightedSumIs() {
        double[][] a = Advantages.of(scores(new double[] {1, 0.5}, new double[][] {{1, 1, 0}},
                new double[][] {{10, 30, 20}}), RewardScale.GROUP, Aggregation.SUM_THEN_NORMALIZE).values();
        double std = Math.sqrt((196 + 256 + 4) / 9.0 / 2) + 1e-4;
        assertArrayEquals(new double[] {-14 / 3.0 / std, 16 / 3.0 / std, -2 / 3.0 / std}, a[0], 1e-12);
    }

    /** NaN: not judged. It learns nothing, and mean and deviation are those of the others. */
    @Test
    void completionsWithoutARewardAreLeftOut() {
        double nan = Double.NaN;
        double[][] a = Advantages.normalised(new double[][] {{nan, 1, 3}, {nan, nan, nan}, {nan, nan, 5}},
                RewardScale.GROUP);
        assertArrayEquals(new double[] {0, -1 / (Math.sqrt(2) + 1e-4), 1 / (Math.sqrt(2) + 1e-4)}, a[0], 1e-15);
        assertArrayEquals(new double[] {0, 0, 0}, a[1]);
        assertArrayEquals(new double[] {0, 0, 0}, a[2]);
        // of the batch: 1, 3 and 5
        double[][] batch = Advantages.normalised(new double[][] {{nan, 1, 3}, {nan, nan, 5}}, RewardScale.BATCH);
        assertArrayEquals(new double[] {0, -1 / 2.0001, 1 / 2.0001}, batch[0], 1e-15);
    }

    private static Scores scores(double[] weights, double[][]... values) {
        return new Scores(List.of(), weights, values);
    }

    @Test
    void otherScales() {
        double[][] rewards = {{1, 3}, {5, 5}};
        assertArrayEquals(new double[] {-1, 1}, Advantages.normalised(rewards, RewardScale.NONE)[0]);
        double batchStd = Math.sqrt((6.25 + 0.25 + 2.25 + 2.25) / 3);
        double[][] batch = Advantages.normalised(rewards, RewardScale.BATCH);
        assertArrayEquals(new double[] {-1 / (batchStd + 1e-4), 1 / (batchStd + 1e-4)}, batch[0], 1e-15);
        assertArrayEquals(new double[] {0, 0}, batch[1]);
    }
}
