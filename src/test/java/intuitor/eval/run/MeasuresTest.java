package intuitor.eval.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.eval.answer.Vote;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BiPredicate;
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

    private static boolean majority(List<Result> samples, BiPredicate<String, String> same) {
        return Choosing.majority(samples, Choosing.groups(samples, same));
    }

    private static boolean borda(List<Result> samples, BiPredicate<String, String> same) {
        return Choosing.borda(samples, Choosing.groups(samples, same));
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
        assertTrue(majority(samples("a:1", "r:1", "r:1"), String::equals));
        assertFalse(majority(samples("a:1", "r:1", "r:1", "a:1"), String::equals));
        assertTrue(majority(samples(":1", ":1", "r:1"), String::equals));
        assertFalse(majority(samples(":1", ":1"), String::equals));
        assertTrue(majority(samples("a:1", "r:1", "R:1"), String::equalsIgnoreCase));
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
        assertTrue(borda(samples("r:9", "a:8", "a:1", "b:2"), String::equals));
        assertTrue(borda(samples("a:1", "a:2", "r:8", "r:9"), String::equals));
        // r 3, a 2 + 1: the tie goes to the first
        assertFalse(borda(samples("a:8", "a:2", "r:9"), String::equals));
    }

    /** The interval of a mean of n coin tosses: about 1.96 standard errors. */
    @Test
    void theBootstrapIntervalIsThatOfTheMean() {
        SplittableRandom random = new SplittableRandom(5);
        double[] tosses = random.doubles(1000).map(u -> u < 0.3 ? 1 : 0).toArray();
        Estimate b = Estimate.of(tosses);
        double error = Math.sqrt(b.mean() * (1 - b.mean()) / tosses.length);
        assertEquals(1.96 * error, b.mean() - b.low(), 0.15 * error);
        assertEquals(1.96 * error, b.high() - b.mean(), 0.15 * error);
        assertEquals(b, Estimate.of(tosses));
        assertEquals(Estimate.Method.BOOTSTRAP, b.method());
    }

    /** Clopper and Pearson: of a share above 30.85%, 10 draws hit nothing in fewer than 2.5% of all cases. */
    @Test
    void whereAllProblemsAreAlikeTheIntervalIsTheExactOne() {
        Estimate none = Estimate.of(new double[10]);
        assertEquals(0, none.mean());
        assertEquals(0, none.low());
        assertEquals(0.3085, none.high(), 5e-5);
        assertEquals(0.025, Math.pow(1 - none.high(), 10), 1e-12);
        assertEquals("clopper_pearson", none.method().toString());
        double[] ones = new double[10];
        Arrays.fill(ones, 1);
        Estimate all = Estimate.of(ones);
        assertEquals(1 - none.high(), all.low(), 1e-12);
        assertEquals(1, all.high());
        // one problem, half of its samples right: another one's may be all wrong or all right
        Estimate halves = Estimate.of(new double[] {0.5});
        assertEquals(0.0125, halves.low(), 1e-12);
        assertEquals(0.9875, halves.high(), 1e-12);
    }

    @Test
    void anAnswerIsComparedOnceWithEachGroup() {
        List<String> compared = new ArrayList<>();
        List<Result> samples = samples("a:1", "b:1", "A:1", "a:1", ":1", "B:1", "A:1", "c:1");
        int[] groups = Choosing.groups(samples, (x, y) -> {
            compared.add(x + y);
            return x.equalsIgnoreCase(y);
        });
        assertArrayEquals(new int[] {0, 1, 0, 0, Vote.NONE, 1, 0, 7}, groups);
        assertEquals(List.of("ab", "aA", "aB", "bB", "ac", "bc"), compared);
    }
}
