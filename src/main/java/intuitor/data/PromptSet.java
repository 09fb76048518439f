package intuitor.data;

import intuitor.UserError;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the prompts of a data set: a file that {@link DataFile} knows, or a folder of such files, of which those of the
 * split are read. Answers are read only where they are asked for.
 */
public final class PromptSet {

    private PromptSet() { }

    /** The prompts without their answers, whatever the file holds. */
    public static List<Prompt> readPrompts(Path path) {
        return readPrompts(path, PromptColumns.USUAL);
    }

    /** The prompts without their answers, from these columns. */
    public static List<Prompt> readPrompts(Path path, PromptColumns columns) {
        List<Prompt> prompts = new ArrayList<>();
        read(path, columns, false, row -> prompts.add(new Prompt(columns.prompt(row), null)));
        return nonEmpty(prompts, path);
    }

    /** Prompts with answers, from the usual columns. */
    public static List<Prompt> readProblems(Path path, String purpose) {
        return readProblems(path, PromptColumns.USUAL, purpose);
    }

    /**
     * Prompts with answers.
     *
     * @param purpose what the answers are for, as the message says it where one is missing
     */
    public static List<Prompt> readProblems(Path path, PromptColumns columns, String purpose) {
        List<Prompt> problems = new ArrayList<>();
        read(path, columns, true, row -> problems.add(new Prompt(columns.prompt(row), columns.answer(row)
                .orElseThrow(() -> new UserError(row.where() + ": no " + PromptColumns.inWords(columns.answers())
                        + " in this row, and " + purpose + " needs one; it has " + row.fields().propertyNames())))));
        return nonEmpty(problems, path);
    }

    /** Prompts, with the answers of those that have one: for looking at a run, not for training. */
    public static List<Prompt> read(Path path, PromptColumns columns) {
        List<Prompt> prompts = new ArrayList<>();
        read(path, columns, true,
                row -> prompts.add(new Prompt(columns.prompt(row), columns.answer(row).orElse(null))));
        return nonEmpty(prompts, path);
    }

    private interface Sink {
        void row(Row row);
    }

    private static void read(Path path, PromptColumns columns, boolean withAnswers, Sink sink) {
        for (Path file : DataFile.files(path)) {
            DataFile.forEach(file, columns.needed(withAnswers), row -> {
                if (columns.accepts(row)) {
                    sink.row(row);
                }
            });
        }
    }

    private static List<Prompt> nonEmpty(List<Prompt> prompts, Path path) {
        if (prompts.isEmpty()) {
            throw new UserError(path + ": holds no prompt (or none that data_filter leaves)");
        }
        return List.copyOf(prompts);
    }
}
