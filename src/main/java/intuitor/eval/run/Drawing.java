package intuitor.eval.run;

/**
 * How completions are drawn in an evaluation. The defaults of the protocols: one, greedily.
 *
 * @param numSamples   completions of each problem
 * @param temperature  0: greedy
 * @param topK         0: all
 * @param topP         1: all
 * @param seed         of the noise
 * @param maxNewTokens longest completion; a task's own limit may be lower
 * @param batchSize    completions generated together
 */
public record Drawing(int numSamples, double temperature, int topK, double topP, long seed, int maxNewTokens,
        int batchSize) {

    /** Problems whose completions are generated together. */
    int problemsAtOnce() {
        return Math.max(1, batchSize / numSamples);
    }
}
