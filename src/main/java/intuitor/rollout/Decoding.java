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
 */
public record Decoding(Sampling sampling, int maxLength, Set<Integer> stopTokens, double certaintyTemperature) {

    public Decoding {
        if (maxLength < 1) {
            throw new IllegalArgumentException("a completion has at least one token, not " + maxLength);
        }
        stopTokens = Set.copyOf(stopTokens);
    }
}
