package intuitor.train;

import intuitor.data.Prompt;
import intuitor.eval.Proportion;
import intuitor.eval.answer.Equivalence;
import intuitor.eval.answer.FinalAnswer;
import intuitor.reward.AnswerExtraction;
import intuitor.rollout.Completion;
import intuitor.rollout.Decoding;
import intuitor.rollout.Group;
import intuitor.rollout.Rollout;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/**
 * Accuracy on problems with known answers: of sampled completions (as training draws them) and of one greedy completion
 * a problem. The noise is the same at every call, so that two models are compared on the same draws.
 */
public final class HeldOutEvaluation {

    /** Apart from the streams of the training steps, which count from 0. */
    private static final long STREAM = (1L << 23) - 1;

    /** Share of completions whose final answer is right. */
    record Result(Proportion sampled, Proportion greedy) { }

    /** The completions of all problems in their order, those of a problem one after the other. */
    public record Judged(List<JudgedCompletion> sampled, List<JudgedCompletion> greedy) { }

    private final List<Prompt> problems;
    private final List<int[]> prompts;
    private final Function<int[], String> text;
    private final Decoding decoding;
    private final int samples;
    private final AnswerExtraction extraction;

    /**
     * @param problems   with answers
     * @param prompts    the same problems as the model sees them, in tokens
     * @param text       what a completion says
     * @param decoding   of the sampled completions; greedy ones end as they do
     * @param samples    completions sampled for each problem
     * @param extraction where a completion's answer is looked for
     */
    HeldOutEvaluation(List<Prompt> problems, List<int[]> prompts, Function<int[], String> text, Decoding decoding,
                      int samples, AnswerExtraction extraction) {
        this.problems = problems;
        this.prompts = prompts;
        this.text = text;
        this.decoding = decoding;
        this.samples = samples;
        this.extraction = extraction;
    }

    Result run(Rollout rollout, BooleanSupplier stop) {
        Judged judged = judge(rollout, stop);
        return new Result(accuracy(judged.sampled()), accuracy(judged.greedy()));
    }

    /** Every completion with its verdict. */
    Judged judge(Rollout rollout, BooleanSupplier stop) {
        return new Judged(judge(generate(rollout, samples, decoding, stop)),
                judge(generate(rollout, 1, decoding.greedy(), stop)));
    }

    private List<Group> generate(Rollout rollout, int n, Decoding how, BooleanSupplier stop) {
        return rollout.generate(prompts, n, how, STREAM, stop);
    }

    private List<JudgedCompletion> judge(List<Group> groups) {
        List<JudgedCompletion> judged = new ArrayList<>();
        for (int i = 0; i < groups.size(); i++) {
            for (Completion completion : groups.get(i).completions()) {
                boolean right = isRight(text.apply(completion.tokens()), problems.get(i).answer(), extraction);
                judged.add(JudgedCompletion.of(completion, right));
            }
        }
        return judged;
    }

    private static Proportion accuracy(List<JudgedCompletion> completions) {
        return new Proportion((int) completions.stream().filter(JudgedCompletion::right).count(), completions.size());
    }

    /** Number of problems. */
    int size() {
        return problems.size();
    }

    /** Whether the final answer of a completion means the same as the right one. */
    public static boolean isRight(String completion, String answer, AnswerExtraction extraction) {
        String gold = FinalAnswer.ofReference(answer);
        return extraction.of(completion).filter(found -> Equivalence.equal(gold, found)).isPresent();
    }
}
