package intuitor.reward;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * The n-gram repetition penalty of Yeo et al. 2025 (arXiv 2502.03373, appendix C.2), as in Open R1, over the words of a
 * completion in lower case:
 * <pre>
 *   r = max_penalty (1 - different n-grams / n-grams),        0 for a completion of fewer than n words
 * </pre>
 */
final class RepetitionPenalty implements Reward {

    private final int n;
    private final double maxPenalty;

    /** @param maxPenalty at most 0 */
    RepetitionPenalty(int n, double maxPenalty) {
        this.n = n;
        this.maxPenalty = maxPenalty;
    }

    @Override
    public double[] score(RewardContext context) {
        return context.texts().stream().mapToDouble(this::of).toArray();
    }

    private double of(String text) {
        List<String> words = List.of(text.strip().toLowerCase(Locale.ROOT).split("\\s+"));
        int total = words.size() - n + 1;
        if (text.isBlank() || total < 1) {
            return 0;
        }
        Set<List<String>> different = new HashSet<>();
        for (int i = 0; i < total; i++) {
            different.add(words.subList(i, i + n));
        }
        return -maxPenalty * (different.size() - total) / total;
    }
}
