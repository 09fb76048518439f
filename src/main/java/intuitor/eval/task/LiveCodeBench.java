package intuitor.eval.task;

import intuitor.Json;
import intuitor.UserError;
import intuitor.data.DataFile;
import intuitor.data.Row;
import intuitor.eval.code.FencedCode;
import intuitor.eval.code.ProgramJudge;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * LiveCodeBench's code generation (arXiv 2403.07974), {@code code_generation_lite}: contest problems, each with tests
 * that must all pass. The prompt is lighteval's.
 */
final class LiveCodeBench implements Task {

    private static final JsonMapper JSON = new JsonMapper();
    private static final int PUBLISHED_MAX_TOKENS = 32768;

    private final ProgramJudge judge;

    LiveCodeBench(ProgramJudge judge) {
        this.judge = judge;
    }

    @Override
    public String name() {
        return "livecodebench";
    }

    @Override
    public Protocol protocol() {
        return new Protocol(PUBLISHED_MAX_TOKENS, List.of(), true);
    }

    @Override
    public List<Problem> problems(DataFolder data, int limit) {
        List<Problem> problems = new ArrayList<>();
        for (Path file : data.files(List.of("code_generation_lite", "livecodebench"),
                Pattern.compile("(data/)?test\\d*\\.jsonl"), "livecodebench/code_generation_lite")) {
            if (problems.size() < limit) {
                DataFile.forEachLine(file, (row, offset, length) -> {
                    if (problems.size() < limit) {
                        StoredTests tests = new StoredTests(file, offset, length);
                        problems.add(Problem.of(row.text("question_id"), row.text("difficulty"), prompt(row), null,
                                completion -> verdict(completion, tests)));
                    }
                });
            }
        }
        return problems;
    }

    static String prompt(Row row) {
        String starter = row.textOrNull("starter_code");
        return "You will be given a question (problem specification) and will generate a correct Python program that "
                + "matches the specification and passes all tests.\n\nQuestion: " + row.text("question_content")
                + "\n\n" + (starter != null && !starter.isEmpty()
                ? "You will use the following starter code to write the solution to the problem and enclose your code "
                        + "within delimiters.\n```python\n" + starter + "\n```\n\n"
                : "Read the inputs from stdin solve the problem and write the answer to stdout (do not directly test "
                        + "on the sample inputs). Enclose your code within delimiters as follows. Ensure that when the "
                        + "python program runs, it reads the inputs, runs the algorithm and writes output to "
                        + "STDOUT.\n```python\n# YOUR CODE HERE\n```\n\n");
    }

    private Verdict verdict(String completion, StoredTests stored) {
        String code = FencedCode.last(completion);
        if (code.isBlank()) {
            return new Verdict(null, false, "no code between fences");
        }
        ProgramJudge.Result result = stored.judge((row, tests) -> judge.judge(code, tests, function(row)));
        return new Verdict(code, result.passed(), result.reason());
    }

    private static String function(Row row) {
        try {
            String name = JSON.readTree(row.text("metadata")).path("func_name").stringValue("");
            return name.isEmpty() ? null : name;
        } catch (JacksonException e) {
            throw new UserError(row.where() + ": the metadata is not valid JSON: " + Json.complaint(e), e);
        }
    }

    @Override
    public boolean hasAnswers() {
        return false;
    }

    @Override
    public boolean sameAnswer(String a, String b) {
        return a.equals(b);
    }
}
