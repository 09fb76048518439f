package intuitor.eval.answer;

import java.time.Duration;

/** The time that one comparison may take. Everything that loops or recurses asks {@link #check}. */
final class Budget {
    private final long deadline;
    private boolean spent;

    Budget(Duration limit) {
        deadline = System.nanoTime() + limit.toNanos();
    }

    /** @throws NoValueException when the time is over, from then on always */
    void check() {
        if (spent || System.nanoTime() - deadline > 0) {
            spent = true;
            throw new NoValueException("out of time");
        }
    }
}
