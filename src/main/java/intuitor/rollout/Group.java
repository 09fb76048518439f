package intuitor.rollout;

import java.util.List;

/**
 * A prompt and its G completions.
 *
 * @param prompt      its tokens
 * @param completions in the order of their index
 */
public record Group(int[] prompt, List<Completion> completions) { }
