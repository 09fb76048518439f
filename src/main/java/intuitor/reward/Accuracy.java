package intuitor.reward;

import intuitor.eval.answer.Equivalence;
import intuitor.eval.answer.FinalAnswer;
import intuitor.eval.answer.Rules;
import java.util.Arrays;
import java.util.Optional;

/**
 * GRPO's verifiable reward: 1 for a completion whose final answer means the same as the reference's, else 0. Where the
 * reference cannot be read, nothing is judged: no reward for any completion of that prompt.
 */
final class Accuracy implements Reward {

    private final AnswerExtraction extraction;

    Accuracy(AnswerExtraction extraction) {
        this.extraction = extraction;
    }

    @Override
    public boolean needsAnswers() {
        return true;
    }

    @Override
    public double[] score(RewardContext context) {
        String gold = context.answer() == null ? "" : FinalAnswer.ofReference(context.answer());
        if (!Equivalence.readable(gold)) {
            double[] none = new double[context.completions().size()];
            Arrays.fill(none, Double.NaN);
            return none;
        }
        return context.texts().stream().mapToDouble(text -> isRight(text, gold) ? 1 : 0).toArray();
    }

    private boolean isRight(String completion, String gold) {
        Optional<String> answer = extraction.of(completion);
        return answer.isPresent() && Equivalence.equal(gold, answer.get(), Rules.BENCHMARK, Equivalence.LIMIT);
    }
}
