package intuitor.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;

class PackedBatchTest {

    @Test
    void siblingsShareTheRowsOfTheirPrompt() {
        PackedBatch batch = PackedBatch.builder()
                .group(new int[] {7, 8, 9}, List.of(new int[] {10, 11, 12}, new int[] {20, 21}, new int[] {30}))
                .build();
        assertArrayEquals(new int[] {7, 8, 9, 10, 11, 20}, batch.tokens());
        assertArrayEquals(new int[] {0, 1, 2, 3, 4, 3}, batch.positions());
        assertArrayEquals(new int[] {2, 3, 4, 2, 5, 2}, batch.scoredRows());
        assertArrayEquals(new int[] {10, 11, 12, 20, 21, 30}, batch.targets());
        assertArrayEquals(new int[] {0, 3, 5, 6}, batch.completionOffsets());
        assertEquals(3, batch.completions());
        assertEquals(5, batch.maxPositions());
    }

    @Test
    void aSequencesLastTokenIsOnlyATarget() {
        PackedBatch batch = PackedBatch.builder().sequence(new int[] {1, 2, 3}).sequence(new int[] {4, 5}).build();
        assertArrayEquals(new int[] {1, 2, 4}, batch.tokens());
        assertArrayEquals(new int[] {0, 1, 0}, batch.positions());
        assertArrayEquals(new int[] {0, 1, 2}, batch.scoredRows());
        assertArrayEquals(new int[] {2, 3, 5}, batch.targets());
        assertArrayEquals(new int[] {0, 2, 3}, batch.completionOffsets());
    }

    @Test
    void promptsAreNotScoredAndTheirLastRowsAreKnown() {
        PackedBatch batch = PackedBatch.builder().prompt(new int[] {1, 2, 3}).prompt(new int[] {4}).build();
        assertArrayEquals(new int[] {1, 2, 3, 4}, batch.tokens());
        assertEquals(0, batch.scored());
        assertArrayEquals(new int[] {2, 3}, batch.promptLastRows());
    }

    @Test
    void beginningsOfCompletionsFollowTheirPrompt() {
        PackedBatch batch = PackedBatch.builder()
                .prompt(new int[] {1, 2, 3}, List.of(new int[] {4, 5}, new int[0], new int[] {6}))
                .prompt(new int[] {7}).build();
        assertArrayEquals(new int[] {1, 2, 3, 4, 5, 6, 7}, batch.tokens());
        assertArrayEquals(new int[] {0, 1, 2, 3, 4, 3, 0}, batch.positions());
        assertArrayEquals(new int[] {2, 6}, batch.promptLastRows());
        assertEquals(4, batch.segmentCount());
        assertEquals(0, batch.scored());
    }

    @Test
    void buildingTwiceGivesTheSameBatch() {
        PackedBatch.Builder builder = PackedBatch.builder().sequence(new int[] {1, 2});
        assertArrayEquals(builder.build().tokens(), builder.build().tokens());
        assertEquals(1, builder.rows());
    }

    @Test
    void emptyPartsAreRefused() {
        PackedBatch.Builder builder = PackedBatch.builder();
        assertThrows(IllegalStateException.class, builder::build);
        assertThrows(IllegalArgumentException.class, () -> builder.sequence(new int[] {1}));
        assertThrows(IllegalArgumentException.class, () -> builder.group(new int[0], List.of(new int[] {1})));
        assertThrows(IllegalArgumentException.class, () -> builder.group(new int[] {1}, List.of()));
        assertThrows(IllegalArgumentException.class, () -> builder.group(new int[] {1}, List.of(new int[0])));
    }
}
