package intuitor.rollout;

/**
 * Names a completion to the random generator, whose noise depends on (seed, sequence, position) alone. Two completions
 * never share a name, so what is drawn for one depends neither on the others of its batch nor on when they end.
 */
final class SequenceId {

    private static final int COMPLETION_BITS = 16;
    private static final int PROMPT_BITS = 24;
    private static final int STREAM_BITS = 23;

    private SequenceId() { }

    /**
     * The three numbers side by side: stream, prompt, completion.
     *
     * @param stream     what the prompts are drawn for, for instance the training step; below 2^23
     * @param prompt     place of the prompt in the call; below 2^24
     * @param completion place of the completion in its group; below 2^16
     */
    static long of(long stream, int prompt, int completion) {
        require(stream, STREAM_BITS, "stream");
        require(prompt, PROMPT_BITS, "prompt");
        require(completion, COMPLETION_BITS, "completion");
        return (stream << PROMPT_BITS | prompt) << COMPLETION_BITS | completion;
    }

    private static void require(long value, int bits, String what) {
        if (value < 0 || value >>> bits != 0) {
            throw new IllegalArgumentException(what + " " + value + " is outside [0, 2^" + bits + ")");
        }
    }
}
