package intuitor.reward;

/**
 * What the rewards that come along can be told.
 *
 * @param extraction          where final answers are looked for
 * @param formatPattern       of {@code format}: what a whole completion must match
 * @param semanticEntropyLow  of {@code semantic_entropy}: least entropy of a group that takes part, as a share of log G
 * @param semanticEntropyHigh of {@code semantic_entropy}: greatest
 * @param repetitionNGrams    of {@code repetition_penalty}: n
 * @param repetitionPenalty   of {@code repetition_penalty}: the reward of nothing but repetition, at most 0
 */
public record RewardSettings(AnswerExtraction extraction, String formatPattern, double semanticEntropyLow,
                             double semanticEntropyHigh, int repetitionNGrams, double repetitionPenalty) { }
