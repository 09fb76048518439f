package intuitor.rollout;

import java.util.Arrays;
import java.util.stream.IntStream;

/** A completion while it grows: its tokens so far, and the pages of the cache that hold its keys and values. */
final class GrowingSequence {

    private static final int FIRST_CAPACITY = 64;
    private static final int FIRST_PAGES = 8;

    final int prompt;
    final int index;
    final long id;
    final SharedPrompt shared;

    private int[] tokens = new int[FIRST_CAPACITY];
    private float[] logprobs = new float[FIRST_CAPACITY];
    private float[] entropy = new float[FIRST_CAPACITY];
    private float[] selfCertainty = new float[FIRST_CAPACITY];
    private int length;
    private boolean stopped;

    private int[] pages = new int[FIRST_PAGES];
    private int pageCount;

    /**
     * @param prompt index of the prompt
     * @param index  place in the group
     * @param id     its {@link SequenceId}
     * @param shared the prompt, with its siblings
     */
    GrowingSequence(int prompt, int index, long id, SharedPrompt shared) {
        this.prompt = prompt;
        this.index = index;
        this.id = id;
        this.shared = shared;
    }

    int length() {
        return length;
    }

    int lastToken() {
        return tokens[length - 1];
    }

    void add(int token, float logprob, float entropyOfToken, float certainty, boolean isStop) {
        if (length == tokens.length) {
            tokens = Arrays.copyOf(tokens, 2 * length);
            logprobs = Arrays.copyOf(logprobs, 2 * length);
            entropy = Arrays.copyOf(entropy, 2 * length);
            selfCertainty = Arrays.copyOf(selfCertainty, 2 * length);
        }
        tokens[length] = token;
        logprobs[length] = logprob;
        entropy[length] = entropyOfToken;
        selfCertainty[length] = certainty;
        length++;
        stopped = isStop;
    }

    /** What was added last is its end. */
    void end() {
        stopped = true;
    }

    boolean finished(int maxLength) {
        return stopped || length == maxLength;
    }

    /** Of a number of tokens more, how many it has to its greatest length. */
    int ahead(int tokens, int maxLength) {
        return Math.min(tokens, maxLength - length);
    }

    /** Tokens whose keys and values later ones attend to: all but the last, which has not been an input yet. */
    int[] seenTokens() {
        return Arrays.copyOf(tokens, Math.max(0, length - 1));
    }

    /** The tokens of the prompt and its own, each once. */
    int[] distinctTokens() {
        return IntStream.concat(Arrays.stream(shared.tokens), Arrays.stream(tokens, 0, length)).distinct().toArray();
    }

    /** Its own pages, at least {@link #pageCount} of them. */
    int[] pages() {
        return pages;
    }

    int pageCount() {
        return pageCount;
    }

    /** One more page for its keys and values. */
    void addPage(int page) {
        if (pageCount == pages.length) {
            pages = Arrays.copyOf(pages, 2 * pageCount);
        }
        pages[pageCount++] = page;
    }

    /** Gives up its place in the cache, its own pages and its share in the prompt's. */
    void releasePages(PagePool pool) {
        for (int i = 0; i < pageCount; i++) {
            pool.give(pages[i]);
        }
        pageCount = 0;
        shared.leave(pool);
    }

    Completion completion() {
        return new Completion(prompt, index, Arrays.copyOf(tokens, length), Arrays.copyOf(logprobs, length),
                Arrays.copyOf(entropy, length), Arrays.copyOf(selfCertainty, length), stopped);
    }
}
