package intuitor.cli;

import intuitor.eval.run.EvaluationFolder;
import intuitor.eval.run.Result;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;

/** Prints the completions of an evaluation, so that a person can see what went wrong. */
final class EvalBrowser {

    static final List<String> CHOICES = List.of("wrong", "right", "all");

    private final PrintWriter out;
    private final String which;
    private final int limit;

    /** @param limit greatest number of completions of a task */
    EvalBrowser(PrintWriter out, String which, int limit) {
        this.out = out;
        this.which = which;
        this.limit = limit;
    }

    /** @param tasks those to show; empty: all */
    void show(Path folder, List<String> tasks) {
        for (String task : tasks.isEmpty() ? EvaluationFolder.tasks(folder) : tasks) {
            List<Result> results = EvaluationFolder.read(folder, task);
            List<Result> chosen = results.stream().filter(this::matches).toList();
            chosen.stream().limit(limit).forEach(r -> print(task, r));
            out.println("--- " + task + ": " + chosen.size() + " of " + results.size()
                    + (which.equals("all") ? "" : " " + which)
                    + (chosen.size() > limit ? ", " + limit + " shown" : ""));
        }
    }

    private boolean matches(Result r) {
        return switch (which) {
            case "wrong" -> Boolean.FALSE.equals(r.correct());
            case "right" -> Boolean.TRUE.equals(r.correct());
            default -> true;
        };
    }

    private void print(String task, Result r) {
        String verdict = r.correct() == null ? "" : r.correct() ? ", right" : ", wrong";
        out.printf("=== %s %s%s%s%s: %d tokens, %s, self-certainty %.3f%n", task, r.id(),
                r.category() == null ? "" : " (" + r.category() + ")",
                r.sample() == 0 ? "" : ", sample " + r.sample(), verdict, r.tokens(), r.stopped() ? "ended" : "cut off",
                r.selfCertainty());
        out.println(r.prompt());
        out.println("--- completion");
        out.println(r.completion());
        out.println("--- answer: " + (r.answer() == null ? "none" : r.answer())
                + (r.reference() == null ? "" : "; right: " + r.reference())
                + (r.note() == null ? "" : "; " + r.note()));
        out.println();
    }
}
