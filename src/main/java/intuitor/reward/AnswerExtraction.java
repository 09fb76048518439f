package intuitor.reward;

import intuitor.eval.answer.FinalAnswer;
import java.util.Locale;
import java.util.Optional;

/** Where a completion's final answer is looked for. */
public enum AnswerExtraction {

    /** After the last {@code ####}, else in the last {@code \boxed{}}: the two forms that leave no doubt. */
    STATED {
        @Override
        public Optional<String> of(String completion) {
            return FinalAnswer.stated(completion);
        }
    },

    /** Also "the answer is X" and the like, else the last formula, else the last number: as benchmarks are read. */
    MATH {
        @Override
        public Optional<String> of(String completion) {
            return FinalAnswer.of(completion);
        }
    },

    /** The last number, whatever stands around it. */
    LAST_NUMBER {
        @Override
        public Optional<String> of(String completion) {
            return FinalAnswer.lastNumber(completion);
        }
    };

    /** The final answer as it was written, or empty where the completion has none of this form. */
    public abstract Optional<String> of(String completion);

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
