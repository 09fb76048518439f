package intuitor.eval.run;

/**
 * A completion and what came of it: a line of {@code completions.jsonl}.
 *
 * @param id            of the problem
 * @param category      of the problem, or null
 * @param sample        place among the problem's completions
 * @param prompt        what the model saw, special tokens included
 * @param completion    what it wrote, cut before a stop string
 * @param tokens        drawn, the end token included
 * @param stopped       whether it came to an end, rather than to the greatest length
 * @param selfCertainty mean over its tokens, in nats
 * @param shots         examples before the question
 * @param promptCut     whether the prompt was too long for the model and lost its beginning
 * @param answer        extracted, or null
 * @param reference     the right answer, or null
 * @param correct       the verdict; null where a judge decides later
 * @param note          anything worth knowing about the verdict, or null
 */
public record Result(String id, String category, int sample, String prompt, String completion, int tokens,
                     boolean stopped, double selfCertainty, int shots, boolean promptCut, String answer,
                     String reference, Boolean correct, String note) { }
