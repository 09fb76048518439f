package intuitor.rollout;

import java.util.ArrayList;
import java.util.List;

/**
 * A prompt whose keys and values its completions share: they are in the cache as long as one of them needs them there.
 */
final class SharedPrompt {

    final int[] tokens;
    private final List<GrowingSequence> siblings = new ArrayList<>();
    private int[] pages;
    private int users;
    private boolean begun;

    SharedPrompt(int[] tokens) {
        this.tokens = tokens;
    }

    void add(GrowingSequence sibling) {
        siblings.add(sibling);
    }

    /** All completions, in the order of their index. */
    List<GrowingSequence> siblings() {
        return siblings;
    }

    /** Whether the first token of each completion has been drawn. */
    boolean isBegun() {
        return begun;
    }

    void begin() {
        begun = true;
    }

    boolean isCached() {
        return pages != null;
    }

    /** Always the same array while the prompt is cached. */
    int[] pages() {
        return pages;
    }

    /** One more completion needs the prompt; takes pages for it if it has none. */
    void use(PagePool pool) {
        if (pages == null) {
            pages = new int[pool.pagesFor(tokens.length)];
            for (int i = 0; i < pages.length; i++) {
                pages[i] = pool.take();
            }
        }
        users++;
    }

    /** One completion fewer needs it; after the last one, its pages are free. */
    void leave(PagePool pool) {
        if (--users == 0) {
            for (int page : pages) {
                pool.give(page);
            }
            pages = null;
        }
    }
}
