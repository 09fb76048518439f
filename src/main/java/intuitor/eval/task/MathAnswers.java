package intuitor.eval.task;

import intuitor.eval.FinalAnswer;
import java.math.BigDecimal;
import java.util.Optional;

/** Finds the final answer of a worked solution, and tells whether two answers mean the same. */
interface MathAnswers {

    Optional<String> extract(String completion);

    boolean equal(String reference, String answer);

    /** Numbers only, after {@code ####} or in a box. */
    MathAnswers NUMBERS = new MathAnswers() {
        @Override
        public Optional<String> extract(String completion) {
            return FinalAnswer.of(completion).map(BigDecimal::toPlainString);
        }

        @Override
        public boolean equal(String reference, String answer) {
            return FinalAnswer.matches("#### " + answer.strip(), reference);
        }
    };

    /** The verdict on a completion. */
    default Verdict judge(String reference, String completion) {
        return extract(completion).map(answer -> new Verdict(answer, equal(reference, answer), null))
                .orElse(new Verdict(null, false, "no answer found"));
    }
}
