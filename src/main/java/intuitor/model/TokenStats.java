package intuitor.model;

/**
 * What the LM head says about tokens, one number a token, in nats, on the host. Null arrays are not computed.
 *
 * @param logprob       log-probability of the token at the temperature asked for
 * @param entropy       entropy of the distribution it was drawn from, at that temperature
 * @param selfCertainty KL(uniform || distribution) over the full width of the LM head, at the certainty temperature
 */
public record TokenStats(float[] logprob, float[] entropy, float[] selfCertainty) {

    /** Room for all three of n tokens. */
    public static TokenStats of(int n) {
        return new TokenStats(new float[n], new float[n], new float[n]);
    }
}
