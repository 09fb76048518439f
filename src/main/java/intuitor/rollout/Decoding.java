package intuitor.rollout;

import intuitor.device.Sampling;
import java.util.Set;

/**
 * How completions are drawn and when they end.
 *
 * @param sampling             temperature (0: greedy), filters and seed
 * @param maxLength            greatest number of tokens of a completion
 * @param stopTokens           tokens that end one; the drawn one is part of it
 * @param certaintyTemperature divides the logits that self-certainty is measured on
 * @param repetitionPenalty    makes tokens of the prompt and of the completion so far less likely, above 1; 1: none.
 *                             What is said about a drawn token is without it
 * @param stopStrings          texts that end one, unless a listener of {@link Rollout#generate} takes their place
 */
public record Decoding(Sampling sampling, int maxLength, Set<Integer> stopTokens, double certaintyTemperature,
                       double repetitionPenalty, StopStrings stopStrings) {

    /** Without a repetition penalty and stop strings. */
    public Decoding(Sampling sampling, int maxLength, Set<Integer> stopTokens, double certaintyTemperature) {
        this(sampling, maxLength, stopTokens, certaintyTemperature, 1, StopStrings.NONE);
    }

    public Decoding {
        if (maxLength < 1) {
            throw new IllegalArgumentException("a completion has at least one token, not " + maxLength);
        }
        if (!((float) repetitionPenalty > 0) || Float.isInfinite((float) repetitionPenalty)) {
            throw new IllegalArgumentException("repetition_penalty must be above 0, not " + repetitionPenalty);
        }
        stopTokens = Set.copyOf(stopTokens);
    }

    /** The same, but always with the most likely token. */
    public Decoding greedy() {
        return new Decoding(new Sampling(0, 0, 1, 0, sampling.validVocab(), sampling.seed()), maxLength, stopTokens,
                certaintyTemperature, repetitionPenalty, stopStrings);
    }
}
