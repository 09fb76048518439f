package intuitor.data;

import java.util.List;

/**
 * A word or number problem that two steps of arithmetic solve; every number lies in 1..99.
 *
 * @param question the text a reader sees
 * @param steps    the two steps of the solution, the result of the last one is the answer
 */
public record ArithmeticProblem(String question, List<Step> steps) {

    /** {@code a operator b}, operator one of {@code + - * /} (division always exact). */
    public record Step(int a, char operator, int b) {

        /** The step's value. */
        public int result() {
            return switch (operator) {
                case '+' -> a + b;
                case '-' -> a - b;
                case '*' -> a * b;
                case '/' -> a / b;
                default -> throw new IllegalStateException("operator " + operator);
            };
        }
    }

    /** The value of the last step. */
    public int answer() {
        return steps.getLast().result();
    }

    /** The prompt as the base model's corpus writes it: {@code Question: ...\nAnswer:}. */
    public String prompt() {
        return "Question: " + question + "\nAnswer:";
    }

    /**
     * Whether the problem belongs to the held-out set: one question in eight, decided by the question's own text, so
     * that no corpus, prompt set or seed can ever mix the two sets.
     */
    public boolean heldOut() {
        return Math.floorMod(question.hashCode() * 0x9E3779B9, 8) == 0;
    }
}
