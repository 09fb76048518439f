package intuitor.eval;

import intuitor.UserError;
import java.util.concurrent.Semaphore;

/**
 * A part of the Java heap that judging threads share: one that is about to read something large waits until the others
 * have left room for it. A thread holds one lease of a budget at a time, so that none waits for itself.
 */
public final class HeapBudget {

    private static final int MIB_SHIFT = 20;

    private final int total;
    private final Semaphore free;

    /** Gives the memory back. */
    public interface Lease extends AutoCloseable {
        @Override
        void close();
    }

    /** @param bytes what all leases together may take */
    public HeapBudget(long bytes) {
        this.total = Math.clamp(bytes >> MIB_SHIFT, 1, Integer.MAX_VALUE);
        this.free = new Semaphore(total, true);
    }

    /** A share of the largest heap that this JVM may have, which {@code -Xmx} sets. */
    public static HeapBudget ofHeap(double share) {
        return new HeapBudget((long) (share * Runtime.getRuntime().maxMemory()));
    }

    public boolean holds(long bytes) {
        return mib(bytes) <= total;
    }

    /** Waits for so much; one that wants more than there is waits until it is alone. */
    public Lease reserve(long bytes) {
        int permits = (int) Math.min(mib(bytes), total);
        try {
            free.acquire(permits);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UserError("interrupted", e);
        }
        return () -> free.release(permits);
    }

    /** Rounded up. */
    private static long mib(long bytes) {
        return (bytes >> MIB_SHIFT) + 1;
    }
}
