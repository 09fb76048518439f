package intuitor.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import intuitor.monitor.Statistics;
import intuitor.rollout.Completion;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LossTokensTest {

    private final List<Completion> completions = List.of(completion(0, true, 0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f),
            completion(1, true, 0.7f, 0.8f, 0.9f, 1.0f), completion(2, false, 1.1f, 1.2f));
    private final Advantages advantages = new Advantages(new double[][] {{1, 2}, {-3}});

    @Test
    void withoutOptionsAllTokensCount() {
        LossTokens tokens = LossTokens.of(completions, advantages, null, GrpoConfigTest.config(Map.of()));
        assertArrayEquals(new int[] {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2}, tokens.completionOf());
        assertArrayEquals(new int[] {6, 4, 2}, tokens.lengths());
        assertArrayEquals(new double[] {1, 2, -3}, tokens.advantages());
        assertArrayEquals(new double[] {1 / 18.0, 1 / 12.0, 1 / 6.0}, tokens.weights(), 1e-15);
        assertNull(tokens.inPolicyTerm());
    }

    /** 0.1 ... 1.0 without the third completion, which was cut: the 0.8 quantile is 0.82, so 0.9 and 1.0 are in. */
    @Test
    void theMostUncertainTokensOfCompletionsThatEnded() {
        LossTokens tokens = LossTokens.of(completions, advantages, null, GrpoConfigTest.config(
                Map.of("mask_truncated_completions", "true", "top_entropy_quantile", "0.2", "loss_type", "dapo")));
        assertArrayEquals(new double[] {0.1, 0.1, 0}, tokens.weights(), 1e-15);
        boolean[] expected = new boolean[12];
        expected[8] = true;
        expected[9] = true;
        assertArrayEquals(expected, tokens.inPolicyTerm());
    }

    @Test
    void aShareOfNothingIsTheHighestOne() {
        boolean[] in = LossTokens.mostUncertain(completions, new double[] {1, 1, 1}, 0);
        boolean[] expected = new boolean[12];
        expected[11] = true;
        assertArrayEquals(expected, in);
        // nothing is in the loss: no token either
        assertArrayEquals(new boolean[12], LossTokens.mostUncertain(completions, new double[3], 0.5));
    }

    @Test
    void quantilesAreInterpolated() {
        double[] x = {3, 1, 2, 4};
        assertEquals(1, Statistics.quantile(x, 0));
        assertEquals(2.5, Statistics.quantile(x, 0.5));
        assertEquals(3.7, Statistics.quantile(x, 0.9), 1e-15);
        assertEquals(4, Statistics.quantile(x, 1));
    }

    private static Completion completion(int index, boolean stopped, float... entropy) {
        int n = entropy.length;
        return new Completion(0, index, new int[n], new float[n], entropy, new float[n], stopped);
    }
}
