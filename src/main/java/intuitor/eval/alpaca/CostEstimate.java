package intuitor.eval.alpaca;

import java.util.List;
import java.util.Locale;

/**
 * What a judge's work will cost, roughly: a token for four characters read, one token written a request.
 *
 * @param requests    two a pair
 * @param inputTokens read
 * @param dollars     for all
 */
public record CostEstimate(int requests, long inputTokens, double dollars) {

    private static final double CHARACTERS_PER_TOKEN = 4;
    private static final double MILLION = 1e6;

    public static CostEstimate of(List<Pair> pairs, JudgeSettings settings) {
        int requests = 2 * pairs.size();
        long characters = pairs.stream().mapToLong(p -> 2L * (JudgePrompt.SYSTEM.length()
                + JudgePrompt.user(p.instruction(), p.baseline(), p.output()).length())).sum();
        long tokens = (long) Math.ceil(characters / CHARACTERS_PER_TOKEN);
        return new CostEstimate(requests, tokens,
                (tokens * settings.inputPrice() + requests * settings.outputPrice()) / MILLION);
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "%,d requests, about %,d tokens to read, about $%.2f", requests, inputTokens,
                dollars);
    }
}
