package intuitor.rollout;

import java.util.Arrays;

/** A completion while it grows: its tokens so far, and where its keys and values lie in the cache. */
final class GrowingSequence {

    private static final int FIRST_CAPACITY = 64;

    final int prompt;
    final int index;
    final long id;
    final int promptStart;
    final int promptLength;
    final int ownStart;

    private int[] tokens = new int[FIRST_CAPACITY];
    private float[] logprobs = new float[FIRST_CAPACITY];
    private float[] entropy = new float[FIRST_CAPACITY];
    private float[] selfCertainty = new float[FIRST_CAPACITY];
    private int length;
    private boolean stopped;

    /**
     * @param prompt       index of the prompt
     * @param index        place in the group
     * @param id           its {@link SequenceId}
     * @param promptStart  first cache row of the prompt, which its siblings share
     * @param promptLength tokens of the prompt
     * @param ownStart     first cache row of the completion
     */
    GrowingSequence(int prompt, int index, long id, int promptStart, int promptLength, int ownStart) {
        this.prompt = prompt;
        this.index = index;
        this.id = id;
        this.promptStart = promptStart;
        this.promptLength = promptLength;
        this.ownStart = ownStart;
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

    Completion completion() {
        return new Completion(prompt, index, Arrays.copyOf(tokens, length), Arrays.copyOf(logprobs, length),
                Arrays.copyOf(entropy, length), Arrays.copyOf(selfCertainty, length), stopped);
    }
}
