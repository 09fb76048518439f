package intuitor.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PromptStreamTest {

    private final List<Integer> ten = IntStream.range(0, 10).boxed().toList();

    @Test
    void everyEpochHasEveryPromptOnceInAnotherOrder() {
        PromptStream<Integer> stream = new PromptStream<>(ten, true, 7);
        List<Integer> first = stream.batch(0, 10);
        List<Integer> second = stream.batch(10, 10);
        assertEquals(ten, first.stream().sorted().toList());
        assertEquals(ten, second.stream().sorted().toList());
        assertNotEquals(first, second);
    }

    /** A resumed run asks for a later batch first; batches may cross the end of an epoch, or be larger than one. */
    @Test
    void aBatchDependsOnItsPositionAlone() {
        List<Integer> all = new PromptStream<>(ten, true, 7).batch(0, 60);
        List<Integer> joined = new ArrayList<>();
        PromptStream<Integer> stream = new PromptStream<>(ten, true, 7);
        stream.batch(56, 4);
        for (int from = 0; from < 60; from += 4) {
            joined.addAll(stream.batch(from, 4));
        }
        assertEquals(all, joined);
        assertNotEquals(all, new PromptStream<>(ten, true, 8).batch(0, 60));
    }

    @Test
    void withoutShufflingTheOrderIsTheFiles() {
        assertEquals(List.of(8, 9, 0, 1), new PromptStream<>(ten, false, 7).batch(8, 4));
    }
}
