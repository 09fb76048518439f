package intuitor.eval.task;

import intuitor.data.DataFile;
import intuitor.data.Row;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * GSM8K (arXiv 2110.14168): 1,319 word problems whose answers are numbers. Prompt, length and the stop string are
 * lighteval's ({@code gsm8k}), as Intuitor was evaluated: no examples.
 */
final class Gsm8k implements Task {

    private static final String GOLD = "####";
    private static final int PUBLISHED_MAX_TOKENS = 32768;

    @Override
    public String name() {
        return "gsm8k";
    }

    @Override
    public Protocol protocol() {
        return new Protocol(PUBLISHED_MAX_TOKENS, List.of("Question:"), true);
    }

    @Override
    public List<Problem> problems(DataFolder data, int limit) {
        List<Problem> problems = new ArrayList<>();
        for (var file : data.files(List.of("gsm8k"), Pattern.compile("(main/)?test[^/]*\\.(parquet|jsonl)"),
                "openai/gsm8k")) {
            for (Row row : DataFile.read(file)) {
                if (problems.size() < limit) {
                    String solution = row.text("answer");
                    String gold = solution.substring(solution.lastIndexOf(GOLD) < 0 ? 0
                            : solution.lastIndexOf(GOLD) + GOLD.length()).strip();
                    problems.add(Problem.of("" + problems.size(), null,
                            "Question: " + row.text("question") + "\nAnswer:", gold,
                            completion -> MathAnswers.judge(gold, completion)));
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
