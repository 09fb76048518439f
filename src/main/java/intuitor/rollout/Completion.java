package intuitor.rollout;

/**
 * What the model went on with after a prompt, and what it said about each token as it drew it. All arrays have one
 * element a token, the end token included; nothing is padded.
 *
 * @param prompt        index of its prompt in the call that made it
 * @param index         its place among the completions of that prompt
 * @param tokens        the drawn tokens, at least one
 * @param logprobs      log-probability of each, at the sampling temperature, before top-k, top-p and min-p
 * @param entropy       entropy of the distribution it was drawn from, in nats, at that temperature
 * @param selfCertainty KL(uniform || p) of that distribution, in nats, at the certainty temperature
 * @param stopped       whether it ended with a stop token or text, rather than at the greatest length
 */
public record Completion(int prompt, int index, int[] tokens, float[] logprobs, float[] entropy, float[] selfCertainty,
                         boolean stopped) {

    /** |o|, the number of tokens. */
    public int length() {
        return tokens.length;
    }

    /** The same completion as another distribution is certain of it. */
    public Completion withSelfCertainty(float[] other) {
        return new Completion(prompt, index, tokens, logprobs, entropy, other, stopped);
    }
}
