package intuitor.rollout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.rollout.Wave.Family;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WaveTest {

    private final List<int[]> prompts = List.of(new int[3], new int[5], new int[1]);

    @ParameterizedTest
    @ValueSource(longs = {0, 10, 23, 24, 47, 1000})
    void everyCompletionHasRowsOfItsOwn(long maxRows) {
        List<String> seen = new ArrayList<>();
        for (Wave wave : Wave.plan(prompts, 2, 10, 0, maxRows)) {
            assertTrue(wave.rows() <= maxRows || wave.sequences().size() == 1);
            Set<Integer> taken = new HashSet<>();
            for (Family family : wave.families()) {
                take(taken, family.start(), family.prompt().length);
                for (GrowingSequence s : family.siblings()) {
                    assertEquals(family.start(), s.promptStart);
                    take(taken, s.ownStart, 10);
                    seen.add(s.prompt + "." + s.index);
                }
            }
            assertEquals(wave.rows(), taken.size());
        }
        assertEquals(List.of("0.0", "0.1", "1.0", "1.1", "2.0", "2.1"), seen);
    }

    @Test
    void allInOneWaveWhereTheyFit() {
        assertEquals(1, Wave.plan(prompts, 2, 10, 0, 69).size());
        assertEquals(2, Wave.plan(prompts, 2, 10, 0, 68).size());
    }

    @Test
    void namesOfCompletionsNeverCollide() {
        Set<Long> names = new HashSet<>();
        for (long stream : new long[] {0, 1, (1 << 23) - 1}) {
            for (int prompt : new int[] {0, 1, (1 << 24) - 1}) {
                for (int completion : new int[] {0, 1, 65535}) {
                    assertTrue(names.add(SequenceId.of(stream, prompt, completion)));
                }
            }
        }
        assertTrue(names.stream().allMatch(n -> n >= 0));
        assertThrows(IllegalArgumentException.class, () -> SequenceId.of(0, 1 << 24, 0));
        assertThrows(IllegalArgumentException.class, () -> SequenceId.of(-1, 0, 0));
    }

    private static void take(Set<Integer> taken, int from, int count) {
        for (int row = from; row < from + count; row++) {
            assertTrue(taken.add(row));
        }
    }
}
