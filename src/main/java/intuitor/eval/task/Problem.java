package intuitor.eval.task;

import java.util.function.Function;
import java.util.function.IntFunction;

/**
 * One question of a benchmark.
 *
 * @param id        its name in the data set
 * @param category  subject or difficulty, where the data set has one; else null
 * @param prompt    what the model is asked, by the number of examples before it
 * @param shots     most examples
 * @param reference the right answer, for the record; null where there is none to show
 * @param judge     tells what a completion is worth; may be called from several threads
 */
public record Problem(String id, String category, IntFunction<String> prompt, int shots, String reference,
                      Function<String, Verdict> judge) {

    /** A question without examples. */
    static Problem of(String id, String category, String prompt, String reference, Function<String, Verdict> judge) {
        return new Problem(id, category, shots -> prompt, 0, reference, judge);
    }
}
