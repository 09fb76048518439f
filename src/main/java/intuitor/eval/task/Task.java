package intuitor.eval.task;

import java.util.List;

/** A benchmark: its questions as published, and how answers to them are judged. */
public interface Task {

    /** As on the command line: {@code gsm8k}. */
    String name();

    Protocol protocol();

    /**
     * Its questions, in the data set's order; a {@link intuitor.UserError} says what is missing.
     *
     * @param limit the first so many; {@link Integer#MAX_VALUE}: all
     */
    List<Problem> problems(DataFolder data, int limit);

    /** Whether two answers are the same, for the majority's vote. */
    boolean sameAnswer(String a, String b);

    /** Whether answers can be compared at all: of programs, only what they do can. */
    default boolean hasAnswers() {
        return true;
    }
}
