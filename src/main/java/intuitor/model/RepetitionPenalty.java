package intuitor.model;

/**
 * What makes tokens less likely that are there already (CTRL, Keskar et al. 2019, arXiv 1909.05858): their logits are
 * divided by the penalty where they are positive, and multiplied by it where not.
 *
 * @param penalty above 1 against repetition
 * @param tokens  of each sequence, different ones, sequence after sequence
 * @param offsets sequence n has tokens offsets[n] to offsets[n + 1] - 1; [N + 1]
 */
public record RepetitionPenalty(double penalty, int[] tokens, int[] offsets) { }
