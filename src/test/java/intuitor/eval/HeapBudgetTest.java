package intuitor.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class HeapBudgetTest {

    private static final long MIB = 1 << 20;

    @Test
    void threadsWaitForRoom() throws InterruptedException {
        HeapBudget budget = new HeapBudget(10 * MIB);
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        var threads = IntStream.range(0, 8).mapToObj(i -> Thread.ofPlatform().start(() -> {
            try (HeapBudget.Lease lease = budget.reserve(4 * MIB)) {
                most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                Thread.sleep(20);
                inside.decrementAndGet();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        })).toList();
        for (Thread t : threads) {
            t.join();
        }
        assertEquals(2, most.get());
    }

    @Test
    void moreThanThereIsWaitsToBeAlone() {
        HeapBudget budget = new HeapBudget(10 * MIB);
        assertFalse(budget.holds(10 * MIB));
        assertTrue(budget.holds(9 * MIB));
        budget.reserve(1L << 50).close();
        HeapBudget.Lease lease = budget.reserve(5 * MIB);
        Thread.currentThread().interrupt();
        assertThrows(UserError.class, () -> budget.reserve(1L << 50));
        assertTrue(Thread.interrupted());
        lease.close();
    }
}
