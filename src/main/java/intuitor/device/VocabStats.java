package intuitor.device;

/**
 * Where {@link Kernels#vocabReduce} and {@link Kernels#sample} put what they find in each row of logits; a null
 * component is not computed. Every tensor has one element a row: fp32 for all but {@code argmax}, which is int32.
 *
 * @param lse           logsumexp of the row divided by the temperature
 * @param logprob       log-probability of the row's target (or of the drawn token)
 * @param entropy       entropy in nats
 * @param selfCertainty KL(uniform || p) in nats, "self-certainty" (arXiv 2505.19590)
 * @param argmax        lowest index of the largest logit
 */
public record VocabStats(Tensor lse, Tensor logprob, Tensor entropy, Tensor selfCertainty, Tensor argmax) {

    /** Nothing wanted. */
    public static final VocabStats NONE = new VocabStats(null, null, null, null, null);
}
