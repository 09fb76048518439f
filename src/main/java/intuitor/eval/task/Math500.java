package intuitor.eval.task;

import intuitor.data.DataFile;
import intuitor.data.Row;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** MATH-500 (arXiv 2305.20050), with lighteval's and Open R1's prompt. */
final class Math500 implements Task {

    private static final String PROMPT = "Solve the following math problem efficiently and clearly.  The last line of "
            + "your response should be of the following format: 'Therefore, the final answer is: $\\boxed{ANSWER}$. I "
            + "hope it is correct' (without quotes) where ANSWER is just the final number or expression that solves "
            + "the problem. Think step by step before answering.\n\n";
    private static final int PUBLISHED_MAX_TOKENS = 32768;

    @Override
    public String name() {
        return "math500";
    }

    @Override
    public Protocol protocol() {
        return new Protocol(PUBLISHED_MAX_TOKENS, List.of(), true);
    }

    @Override
    public List<Problem> problems(DataFolder data, int limit) {
        List<Problem> problems = new ArrayList<>();
        for (var file : data.files(List.of("math-500", "math500"),
                Pattern.compile("(data/)?test[^/]*\\.(jsonl|parquet)"), "HuggingFaceH4/MATH-500")) {
            for (Row row : DataFile.read(file)) {
                if (problems.size() < limit) {
                    String gold = row.text("answer");
                    problems.add(Problem.of(row.text("unique_id"), row.text("subject"), PROMPT + row.text("problem"),
                            gold, completion -> MathAnswers.judge(gold, completion)));
                }
            }
        }
        return problems;
    }

    @Override
    public boolean sameAnswer(String a, String b) {
        return MathAnswers.equal(a, b);
    }
}
