package intuitor.rollout;

/** Hears of every token as it is drawn: for output that streams, and for completions that end with a text. */
@FunctionalInterface
public interface TokenListener {

    /** Nobody listens. */
    TokenListener NONE = (prompt, index, token) -> { };

    /**
     * @param prompt index of the prompt
     * @param index  place of the completion in its group
     */
    void token(int prompt, int index, int token);

    /**
     * How many tokens of a completion may be drawn before it is told the first of them. More are faster on a GPU, fewer
     * let a text flow.
     */
    default int maxDelay() {
        return Integer.MAX_VALUE;
    }

    /**
     * Whether the completion ends with the token that was told last, as a stop token would end it: for texts that end a
     * completion wherever its tokens are cut.
     */
    default boolean ends(int prompt, int index) {
        return false;
    }
}
