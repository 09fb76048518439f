package intuitor.monitor;

import intuitor.data.Prompt;
import intuitor.eval.answer.Equivalence;
import intuitor.eval.answer.FinalAnswer;
import intuitor.reward.AnswerExtraction;
import intuitor.reward.SelfCertainty;
import intuitor.rollout.Completion;
import intuitor.rollout.Decoding;
import intuitor.rollout.Group;
import intuitor.rollout.Rollout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/**
 * A few problems with known answers, on which the policy is looked at now and then. Nothing of it reaches the training.
 * The noise is the same at every call, so that what changes is the policy.
 */
public final class Probe {

    /** Apart from the streams of the training steps, which count from 0, and from that of the held-out evaluation. */
    private static final long STREAM = (1L << 23) - 2;

    private final List<Prompt> problems;
    private final List<int[]> prompts;
    private final Decoding decoding;
    private final int samples;
    private final Function<int[], String> decode;
    private final AnswerExtraction extraction;

    /**
     * What came of it.
     *
     * @param accuracy         part of the completions whose final answer is right
     * @param auroc            of self-certainty against being right: the probability that a right completion has more
     *                         of it than a wrong one; NaN where all are right or all wrong
     * @param calibrationError expected calibration error of the confidence exp(mean log-probability of the tokens)
     * @param completions      that were drawn
     */
    public record Result(double accuracy, double auroc, double calibrationError, int completions) {

        static Result of(double[] certainty, double[] confidence, boolean[] right) {
            int rights = 0;
            for (boolean r : right) {
                rights += r ? 1 : 0;
            }
            return new Result((double) rights / right.length, Association.auroc(certainty, right),
                    Association.calibrationError(confidence, right), right.length);
        }

        /** Under the names of {@code metrics.jsonl}. */
        public Map<String, Object> metrics() {
            Map<String, Object> m = new LinkedHashMap<>();
            m.put("monitor/probe/accuracy", accuracy);
            m.put("monitor/probe/auroc", auroc);
            m.put("monitor/probe/calibration_error", calibrationError);
            m.put("monitor/probe/completions", completions);
            return m;
        }
    }

    /**
     * @param problems   with answers
     * @param prompts    the same problems as the model sees them, in tokens
     * @param decoding   as training draws completions
     * @param samples    completions of each problem
     * @param decode     from tokens to text
     * @param extraction the final answer in a completion
     */
    public Probe(List<Prompt> problems, List<int[]> prompts, Decoding decoding, int samples,
                 Function<int[], String> decode, AnswerExtraction extraction) {
        this.problems = List.copyOf(problems);
        this.prompts = List.copyOf(prompts);
        this.decoding = decoding;
        this.samples = samples;
        this.decode = decode;
        this.extraction = extraction;
    }

    /**
     * Draws completions with the policy as it is; a {@link intuitor.rollout.StopRequested} ends it without a result.
     */
    public Result run(Rollout rollout, BooleanSupplier stop) {
        List<Group> groups = rollout.generate(prompts, samples, decoding, STREAM, stop);
        int all = problems.size() * samples;
        double[] certainty = new double[all];
        double[] confidence = new double[all];
        boolean[] right = new boolean[all];
        int n = 0;
        for (int p = 0; p < groups.size(); p++) {
            String answer = FinalAnswer.ofReference(problems.get(p).answer());
            for (Completion c : groups.get(p).completions()) {
                certainty[n] = SelfCertainty.of(c);
                confidence[n] = confidence(c.logprobs());
                right[n] = extraction.of(decode.apply(c.tokens())).filter(a -> Equivalence.equal(answer, a))
                        .isPresent();
                n++;
            }
        }
        return Result.of(certainty, confidence, right);
    }

    /**
     * The geometric mean of the tokens' probabilities: self-certainty itself is no probability that could be
     * calibrated.
     */
    static double confidence(float[] logprobs) {
        double sum = 0;
        for (float logprob : logprobs) {
            sum += logprob;
        }
        return Math.exp(sum / logprobs.length);
    }
}
