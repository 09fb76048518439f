package intuitor.train;

/**
 * A prompt as the model reads it.
 *
 * @param tokens at least one
 * @param answer the reference answer; null unless a reward of the run needs answers
 */
record EncodedPrompt(int[] tokens, String answer) { }
