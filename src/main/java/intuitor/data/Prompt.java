package intuitor.data;

/**
 * One line of a prompt set.
 *
 * @param text   what the model is asked
 * @param answer the reference answer, for evaluation only; null where the set has none
 */
public record Prompt(String text, String answer) { }
