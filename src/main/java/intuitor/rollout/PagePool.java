package intuitor.rollout;

/**
 * The free pages of a cache, as a stack: taking one and giving one back are a step each, whatever the order, and since
 * all pages are alike, any of them serves. The page given back last, which may still be in a processor's cache, is
 * taken first.
 */
final class PagePool {

    private final int[] free;
    private final int pageSize;
    private int count;

    PagePool(int pages, int pageSize) {
        this.pageSize = pageSize;
        free = new int[pages];
        for (int i = 0; i < pages; i++) {
            free[i] = pages - 1 - i;
        }
        count = pages;
    }

    /** All pages, free or not. */
    int size() {
        return free.length;
    }

    int free() {
        return count;
    }

    /** Pages that this many tokens take. */
    int pagesFor(int tokens) {
        return (tokens + pageSize - 1) / pageSize;
    }

    int take() {
        if (count == 0) {
            throw new IllegalStateException("no page is free");
        }
        return free[--count];
    }

    void give(int page) {
        free[count++] = page;
    }
}
