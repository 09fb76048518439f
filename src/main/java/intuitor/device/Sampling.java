package intuitor.device;

/**
 * How the next token is drawn: the row is filtered by top-k, then top-p, then min-p, and one token is drawn from the
 * rest by Gumbel-max with Philox noise, which depends on (seed, sequence, position) alone.
 *
 * @param temperature divides the logits; 0 is greedy
 * @param topK        keep the k most likely tokens (ties kept); 0 keeps all
 * @param topP        keep the smallest set of most likely tokens whose probability reaches this; 1 keeps all
 * @param minP        drop tokens less likely than this times the most likely one; 0 keeps all
 * @param validVocab  ids from here on are padding rows of the LM head and are never drawn
 * @param seed        key of the noise
 */
public record Sampling(double temperature, int topK, double topP, double minP, int validVocab, long seed) {

    public Sampling {
        if (!(temperature >= 0)) {
            throw new IllegalArgumentException("temperature must be at least 0, not " + temperature);
        }
        if (temperature != 0 && (float) temperature == 0 || Float.isInfinite((float) temperature)) {
            throw new IllegalArgumentException("temperature is beyond single precision: " + temperature);
        }
        if (topK < 0) {
            throw new IllegalArgumentException("top_k must be at least 0, not " + topK);
        }
        if (!((float) topP > 0 && topP <= 1)) {
            throw new IllegalArgumentException("top_p must be in (0, 1], not " + topP);
        }
        if (!(minP >= 0 && minP <= 1)) {
            throw new IllegalArgumentException("min_p must be in [0, 1], not " + minP);
        }
        if (validVocab < 1) {
            throw new IllegalArgumentException("valid_vocab must be at least 1, not " + validVocab);
        }
    }

    /** Whether some tokens are left out: to know which, whole rows of logits are needed. */
    public boolean isFiltered() {
        return isFiltered(topK, topP, minP);
    }

    /** The same of settings that none has been made of yet. */
    public static boolean isFiltered(int topK, double topP, double minP) {
        return topK > 0 || topP < 1 || minP > 0;
    }
}
