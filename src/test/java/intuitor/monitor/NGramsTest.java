package intuitor.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class NGramsTest {

    private static final int[] LOOP = {1, 2, 1, 2, 1};
    private static final int[] PLAIN = {1, 2, 3};

    /** Bigrams: 12 21 12 21 and 12 23; three kinds of six. */
    @Test
    void distinctIsOverAllSequences() {
        assertEquals(3.0 / 6, NGrams.distinct(List.of(LOOP, PLAIN), 2));
        assertEquals(1, NGrams.distinct(List.of(PLAIN), 2));
        assertTrue(Double.isNaN(NGrams.distinct(List.of(PLAIN), 4)));
    }

    /** Two of the loop's four bigrams came before; none of the plain one's; the short one has none. */
    @Test
    void repetitionIsWithinASequence() {
        assertEquals((0.5 + 0 + 0) / 3, NGrams.repetition(List.of(LOOP, PLAIN, new int[] {9}), 2));
        assertEquals(0, NGrams.repetition(List.of(), 2));
    }

    /**
     * Of 5 6 7 8 9 the trigrams 5 6 7 and 6 7 8 are the source's: four tokens; the other sequence has its own source.
     */
    @Test
    void copiedTokensAreCountedOnce() {
        List<int[]> sequences = List.of(new int[] {5, 6, 7, 8, 9}, new int[] {5, 6, 7});
        assertEquals(4.0 / 8, NGrams.copied(sequences, List.of(new int[] {1, 5, 6, 7, 8, 1}, new int[] {5, 6}), 3));
        assertEquals(0, NGrams.copied(sequences, List.of(new int[0], new int[0]), 3));
    }

    /** Within a group nothing is copied; 2 3 stands in both groups, so four tokens of ten are shared. */
    @Test
    void sharedIsBetweenGroups() {
        List<int[]> first = List.of(PLAIN, new int[] {7, 7, 7});
        List<List<int[]>> groups = List.of(first, List.of(new int[] {2, 3, 9, 9}));
        assertEquals(4.0 / 10, NGrams.shared(groups, 2));
        assertEquals(0, NGrams.shared(List.of(groups.getFirst()), 2));
        // the first group counts too, where only a later one shows that it was shared
        assertEquals(1, NGrams.shared(List.of(List.of(PLAIN, PLAIN), List.of(PLAIN)), 3));
    }
}
