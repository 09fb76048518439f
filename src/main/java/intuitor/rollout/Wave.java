package intuitor.rollout;

import java.util.ArrayList;
import java.util.List;

/**
 * Completions that are generated together because their keys and values fit in the cache together.
 *
 * @param families prompts with their completions
 * @param rows     cache rows taken in all
 */
record Wave(List<Family> families, int rows) {

    /**
     * A prompt and those of its completions that are in the wave. In the cache the prompt's rows are followed by room
     * for the longest completion for each of them.
     */
    record Family(int[] prompt, int start, List<GrowingSequence> siblings) { }

    /**
     * Distributes all completions of all prompts over as few waves as the cache allows, in order. Siblings may fall
     * into two waves; the prompt is then computed in both. A wave has at least one completion, however small the cache.
     *
     * @param maxRows cache rows of a wave
     */
    static List<Wave> plan(List<int[]> prompts, int generations, int maxLength, long stream, long maxRows) {
        List<Wave> waves = new ArrayList<>();
        List<Family> families = new ArrayList<>();
        int rows = 0;
        for (int p = 0; p < prompts.size(); p++) {
            int[] prompt = prompts.get(p);
            Family family = null;
            for (int g = 0; g < generations; g++) {
                long needed = (family == null ? prompt.length : 0) + (long) maxLength;
                if (rows > 0 && rows + needed > maxRows) {
                    waves.add(new Wave(families, rows));
                    families = new ArrayList<>();
                    family = null;
                    rows = 0;
                }
                if (family == null) {
                    family = new Family(prompt, rows, new ArrayList<>());
                    families.add(family);
                    rows += prompt.length;
                }
                family.siblings.add(new GrowingSequence(p, g, SequenceId.of(stream, p, g), family.start, prompt.length,
                        rows));
                rows = Math.addExact(rows, maxLength);
            }
        }
        waves.add(new Wave(families, rows));
        return waves;
    }

    /** All completions, those of a prompt one after the other. */
    List<GrowingSequence> sequences() {
        return families.stream().flatMap(f -> f.siblings.stream()).toList();
    }
}
