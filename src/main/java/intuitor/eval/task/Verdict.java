package intuitor.eval.task;

/**
 * What came of a completion.
 *
 * @param answer  what was taken for the answer; null where none was found
 * @param correct whether it is right; null where the task does not say (AlpacaEval)
 * @param note    anything worth knowing about it, such as the test that failed; null if there is nothing
 */
public record Verdict(String answer, Boolean correct, String note) { }
