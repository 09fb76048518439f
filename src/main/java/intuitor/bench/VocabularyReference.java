package intuitor.bench;

import java.util.Arrays;

/**
 * A row of logits and what vocab_reduce says of it, in double precision and nats, at temperature 1.
 *
 * @param highest       the largest logit
 * @param lse           log of the sum of exponentials
 * @param logprob       of the target
 * @param entropy       of p = softmax(z)
 * @param selfCertainty KL(uniform || p), as lse - mean(z) - log V
 */
public record VocabularyReference(double highest, double lse, double logprob, double entropy, double selfCertainty) {

    /** @param z the logits [V] */
    public static VocabularyReference of(double[] z, int target) {
        double highest = Arrays.stream(z).max().orElseThrow();
        double sum = 0;
        double weighted = 0;
        double total = 0;
        for (double logit : z) {
            double p = Math.exp(logit - highest);
            sum += p;
            weighted += p * logit;
            total += logit;
        }
        double lse = highest + Math.log(sum);
        return new VocabularyReference(highest, lse, z[target] - lse, lse - weighted / sum,
                lse - total / z.length - Math.log(z.length));
    }
}
