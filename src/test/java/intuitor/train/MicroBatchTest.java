package intuitor.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import intuitor.rollout.Group;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MicroBatchTest {

    private final List<Group> groups = List.of(Groups.of(new int[] {1, 2, 3}, 4, 2), Groups.of(new int[] {5}, 1, 1, 6),
            Groups.of(new int[] {7, 8}, 3));

    /** However the step is cut up, its completion tokens come by in order, each once. */
    @ParameterizedTest
    @ValueSource(ints = {1, 5, 8, 12, 17, 1000})
    void allTokensInOrder(int budget) {
        assertAllTokensInOrder(MicroBatch.split(groups, budget, true));
        assertAllTokensInOrder(MicroBatch.split(groups, budget, false));
    }

    private void assertAllTokensInOrder(List<MicroBatch> parts) {
        List<Integer> targets = new ArrayList<>();
        for (MicroBatch part : parts) {
            assertEquals(targets.size(), part.firstToken());
            Arrays.stream(part.batch().targets()).forEach(targets::add);
        }
        int[] expected = groups.stream().flatMap(g -> g.completions().stream())
                .flatMapToInt(c -> Arrays.stream(c.tokens()))
                .toArray();
        assertArrayEquals(expected, targets.stream().mapToInt(Integer::intValue).toArray());
    }

    /** Rows: 3 + 4 + 2 = 9, 1 + 8 = 9 and 2 + 3 = 5 (a row less for each completion, whose last token is no input). */
    @Test
    void wholeGroupsAsFarAsTheBudgetReaches() {
        assertEquals(1, MicroBatch.split(groups, 23, true).size());
        assertEquals(2, MicroBatch.split(groups, 17, true).size());
        assertEquals(3, MicroBatch.split(groups, 9, true).size());
        assertEquals(7, MicroBatch.split(groups, 9, true).getFirst().batch().rows());
    }

    @Test
    void aGroupLargerThanTheBudgetIsSplitBetweenCompletions() {
        List<MicroBatch> parts = MicroBatch.split(groups.subList(0, 1), 7, true);
        assertEquals(2, parts.size());
        assertEquals(4, parts.get(1).firstToken());
    }

    /** For attention that cannot share a prompt. Rows: (3 + 3) + (3 + 1), (1 + 0) + (1 + 0) + (1 + 5), 2 + 2. */
    @Test
    void aPromptForEachCompletion() {
        List<MicroBatch> all = MicroBatch.split(groups, 1000, false);
        assertEquals(22, all.getFirst().batch().rows());
        List<MicroBatch> parts = MicroBatch.split(groups, 13, false);
        assertEquals(List.of(0, 8), List.of(parts.get(0).firstToken(), parts.get(1).firstToken()));
    }
}
