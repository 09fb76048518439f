package intuitor.model;

/** A loss over scored tokens, given by its derivative with respect to each token's log-probability. */
@FunctionalInterface
public interface TokenObjective {

    /**
     * Called for successive ranges of scored tokens.
     *
     * @param from        first token of the range
     * @param to          one past its last
     * @param logprob     log-probability of token from + i at index i
     * @param coefficient to be filled in: dLoss / dlogprob of token from + i at index i
     */
    void coefficients(int from, int to, float[] logprob, float[] coefficient);
}
