package intuitor.eval.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class MeasuresTest {

    /** Samples as "answer:certainty", right where the answer is "r". */
    private static List<Result> samples(String... samples) {
        List<Result> results = new ArrayList<>();
        for (String s : samples) {
            String[] parts = s.split(":");
            String answer = parts[0].isEmpty() ? null : parts[0];
            results.add(new Result("1", null, results.size(), "", "", 1, true, Double.parseDouble(parts[1]), 0, false,
                    answer, "r", "r".equals(answer), null));
        }
        return results;
    }

    /** Against all subsets of k of n. */
    @Test
    void passAtKIsTheShareOfSubsetsWithARightOne() {
        for (int n = 1; n <= 8; n++) {
            for (int right = 0; right <= n; right++) {
                for (int k = 1; k <= n; k++) {
                    int hits = 0;
                    int all = 0;
                    for (int set = 0; set < 1 << n; set++) {
                        if (Integer.bitCount(set) == k) {
                            all++;
                            hits += (set & (1 << right) - 1) != 0 ? 1 : 0;
                        }
                    }
                    assertEquals((double) hits / all, Choosing.passAtK(n, right, k), 1e-12);
                }
            }
        }
    }

    @Test
    void theMajorityVotesAndNoAnswerIsNoVote() {
        assertTrue(Choosing.majority(samples("a:1", "r:1", "r:1"), String::equals));
        assertFalse(Choosing.majority(samples("a:1", "r:1", "r:1", "a:1"), String::equals));
        assertTrue(Choosing.majority(samples(":1", ":1", "r:1"), String::equals));
        assertFalse(Choosing.majority(samples(":1", ":1"), String::equals));
        assertTrue(Choosing.majority(samples("a:1", "r:1", "R:1"), String::equalsIgnoreCase));
    }

    @Test
    void theMostCertainIsChosen() {
        assertTrue(Choosing.mostCertain(samples("a:1", "r:3", "a:2")));
        assertFalse(Choosing.mostCertain(samples("a:3", "r:3")));
    }

    @Test
    void bordaWeighsVotesByRank() {
        // ranks 1, 2, 3, 4: weights 4, 3, 2, 1
        // r 4, a 3 + 1: the tie goes to the first
        assertTrue(Choosing.borda(samples("r:9", "a:8", "a:1", "b:2"), String::equals));
        assertTrue(Choosing.borda(samples("a:1", "a:2", "r:8", "r:9"), String::equals));
        // r 3, a 2 + 1: the tie goes to the first
        assertFalse(Choosing.borda(samples("a:8", "a:2", "r:9"), String::equals));
    }

    /** The interval of a mean of n coin tosses: about 1.96 standard errors. */
    @Test
    void theBootstrapIntervalIsThatOfTheMean() {
        SplittableRandom random = new SplittableRandom(5);
        double[] tosses = random.doubles(1000).map(u -> u < 0.3 ? 1 : 0).toArray();
        Bootstrap b = Bootstrap.of(tosses);
        double error = Math.sqrt(b.mean() * (1 - b.mean()) / tosses.length);
        assertEquals(1.96 * error, b.mean() - b.low(), 0.15 * error);
        assertEquals(1.96 * error, b.high() - b.mean(), 0.15 * error);
        assertEquals(b, Bootstrap.of(tosses));
        assertEquals(new Bootstrap(1, 1, 1), Bootstrap.of(new double[] {1, 1}));
    }
}
