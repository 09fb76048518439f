package intuitor.eval.task;

import intuitor.eval.answer.Equivalence;
import intuitor.eval.answer.FinalAnswer;
import intuitor.eval.answer.Rules;

/** Judges the final answers of worked solutions. */
final class MathAnswers {

    private MathAnswers() { }

    /** The verdict on a completion. */
    static Verdict judge(String reference, String completion) {
        return FinalAnswer.of(completion).map(answer -> new Verdict(answer, equal(reference, answer), null))
                .orElse(new Verdict(null, false, "no answer found"));
    }

    /** Whether an answer means the same as another. */
    static boolean equal(String reference, String answer) {
        return Equivalence.equal(reference, answer, Rules.BENCHMARK, Equivalence.LIMIT);
    }
}
