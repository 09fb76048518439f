package intuitor.eval.alpaca;

/**
 * The judge behind an OpenAI-compatible endpoint.
 *
 * @param url               up to and without {@code /chat/completions}
 * @param model             its name there
 * @param key               sent as a bearer token; null: none
 * @param requestsPerMinute at most; 0: as many as there are answers to
 * @param parallel          requests under way at once
 * @param attempts          tries of a request before the work is given up
 * @param inputPrice        US dollars for a million tokens read
 * @param outputPrice       US dollars for a million tokens written
 */
public record JudgeSettings(String url, String model, String key, double requestsPerMinute, int parallel, int attempts,
                            double inputPrice, double outputPrice) {

    /** The key is nobody's business, least of all a log's. */
    @Override
    public String toString() {
        return model + " at " + url;
    }
}
