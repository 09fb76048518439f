package intuitor.rollout;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Continuous batching: decides before each token, or before each few of them, which completions grow and which pages of
 * the cache they have. One that has ended leaves at once, and the next ones in line enter as soon as there is room.
 *
 * <p>All completions have a rank, that of their prompt and their place in the group, and those that grow rank before
 * those that wait. A page is given out only when it is about to be written; for several tokens ahead, only if it is
 * free. One enters if the free pages suffice for what it and those that grow already are expected to take; where that
 * expectation fails, the last in rank gives its pages up and waits again, and when it comes back, what it had is
 * computed once more in one pass. The first in rank can always go on, because the pool holds at least one whole
 * completion: so every completion ends.
 *
 * <p>Host side only: this class computes nothing and knows no device.
 */
final class Scheduler {

    /**
     * What has to be computed into the cache: a prompt, and tokens that completions had before they gave up their
     * pages.
     *
     * @param isFirst whether this is the first time, so that the first tokens are to be drawn
     */
    record Prefill(SharedPrompt prompt, boolean isFirst, List<GrowingSequence> begun) {

        /** Rows of the batch that it takes. */
        int tokens() {
            return prompt.tokens.length + begun.stream().mapToInt(s -> s.length() - 1).sum();
        }
    }

    /**
     * Who grows now.
     *
     * @param sequences in the order of their rank
     * @param steps     tokens that each may grow by, up to its greatest length, before the scheduler is asked again
     */
    record Growing(List<GrowingSequence> sequences, int steps) { }

    private final PagePool pool;
    private final int maxLength;
    private final int maxSequences;
    private final Deque<GrowingSequence> waiting;
    private final List<GrowingSequence> growing = new ArrayList<>();

    private long finished;
    private long finishedTokens;
    private long preemptions;

    /**
     * @param sequences    all completions, in the order of their rank
     * @param maxLength    greatest number of tokens of each
     * @param maxSequences that grow at the same time
     */
    Scheduler(List<GrowingSequence> sequences, PagePool pool, int maxLength, int maxSequences) {
        this.waiting = new ArrayDeque<>(sequences);
        this.pool = pool;
        this.maxLength = maxLength;
        this.maxSequences = maxSequences;
    }

    /** Whether all completions have ended. */
    boolean isDone() {
        return waiting.isEmpty() && growing.isEmpty();
    }

    /** Completions that gave their pages up before they had ended, each time counted. */
    long preemptions() {
        return preemptions;
    }

    /**
     * Lets those enter for which there is room.
     *
     * @param maxTokens of a part of the work, if it can be divided so
     * @return what must be computed before they grow, in order
     */
    List<Prefill> admit(int maxTokens) {
        List<Prefill> work = new ArrayList<>();
        long spare = waiting.isEmpty() ? 0 : pool.free() - growing.stream().mapToLong(this::pagesToCome).sum();
        while (!waiting.isEmpty() && growing.size() < maxSequences) {
            GrowingSequence next = waiting.peek();
            SharedPrompt prompt = next.shared;
            boolean isNew = !prompt.isCached();
            long needed = pagesToCome(next) + (isNew ? pool.pagesFor(prompt.tokens.length) : 0);
            if (needed > spare && !growing.isEmpty()) {
                break;
            }
            spare -= needed;
            waiting.remove();
            growing.add(next);
            prompt.use(pool);
            takePages(next, next.length() - 1);
            plan(next, isNew, maxTokens, work);
        }
        return work;
    }

    /** Adds what a completion needs to the work, to the last part of it if that is about the same prompt. */
    private static void plan(GrowingSequence next, boolean isNew, int maxTokens, List<Prefill> work) {
        boolean hasOwn = next.length() > 1;
        if (!isNew && !hasOwn) {
            return;
        }
        Prefill last = work.isEmpty() ? null : work.getLast();
        if (last == null || last.prompt != next.shared || last.tokens() + next.length() - 1 > maxTokens) {
            last = new Prefill(next.shared, !next.shared.isBegun(), new ArrayList<>());
            work.add(last);
        }
        if (hasOwn) {
            last.begun.add(next);
        }
    }

    /**
     * Gives every completion that grows a place in the cache for its last token and, as far as pages are free, for
     * those that follow. Some may have to wait again if there is no place for last tokens; never for the sake of more.
     *
     * @param maxSteps tokens to grow by at most
     */
    Growing makeRoom(int maxSteps) {
        makeRoomForLastTokens();
        int longest = growing.stream().mapToInt(s -> s.ahead(maxSteps, maxLength)).max().orElse(0);
        int steps = Math.min(1, longest);
        while (steps < longest && missing(steps + 1) <= pool.free()) {
            steps++;
        }
        for (GrowingSequence s : growing) {
            takePages(s, cached(s, steps));
        }
        return new Growing(List.copyOf(growing), steps);
    }

    /** Tokens that a completion has in the cache when it has grown by so many more. */
    private int cached(GrowingSequence s, int steps) {
        return s.length() + s.ahead(steps, maxLength) - 1;
    }

    /** Pages that lack for so many tokens more of all that grow. */
    private long missing(int steps) {
        return growing.stream().mapToLong(s -> pool.pagesFor(cached(s, steps)) - s.pageCount()).sum();
    }

    private void makeRoomForLastTokens() {
        for (int i = 0; i < growing.size(); i++) {
            GrowingSequence s = growing.get(i);
            int missing = pool.pagesFor(s.length()) - s.pageCount();
            while (missing > pool.free() && i < growing.size()) {
                preemptLast();
            }
            if (i < growing.size()) {
                takePages(s, s.length());
            }
        }
    }

    private void preemptLast() {
        GrowingSequence last = growing.removeLast();
        last.releasePages(pool);
        waiting.addFirst(last);
        preemptions++;
    }

    private void takePages(GrowingSequence s, int tokens) {
        for (int missing = pool.pagesFor(Math.max(0, tokens)) - s.pageCount(); missing > 0; missing--) {
            s.addPage(pool.take());
        }
    }

    /** Those that have ended leave, and their pages are free. */
    void retire() {
        growing.removeIf(s -> {
            if (!s.finished(maxLength)) {
                return false;
            }
            s.releasePages(pool);
            count(s);
            return true;
        });
        // the first token is drawn for all siblings of a prompt, whether there was room for them or not
        waiting.removeIf(s -> {
            if (!s.finished(maxLength)) {
                return false;
            }
            count(s);
            return true;
        });
    }

    private void count(GrowingSequence s) {
        finished++;
        finishedTokens += s.length();
    }

    /** Own pages that a completion is expected to take besides those that it has. */
    private int pagesToCome(GrowingSequence s) {
        // the mean of what was seen, with one completion of the greatest length to begin with
        long mean = (maxLength + finishedTokens) / (1 + finished);
        int length = (int) Math.min(maxLength, Math.max(mean, s.length() + 1L));
        return Math.max(0, pool.pagesFor(length - 1) - s.pageCount());
    }
}
