package intuitor.eval.task;

import java.util.List;

/**
 * How a benchmark lets a model answer.
 *
 * @param maxNewTokens longest completion in tokens
 * @param stopStrings  texts that end a completion; it is cut before the first
 * @param chat         whether prompts go into the model's chat template, where it has one
 */
public record Protocol(int maxNewTokens, List<String> stopStrings, boolean chat) { }
