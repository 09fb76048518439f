package intuitor.rollout;

/** Hears of every token as it is drawn, for output that streams. */
@FunctionalInterface
public interface TokenListener {

    /** Nobody listens. */
    TokenListener NONE = (prompt, index, token) -> { };

    /**
     * @param prompt index of the prompt
     * @param index  place of the completion in its group
     */
    void token(int prompt, int index, int token);
}
