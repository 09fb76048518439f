package intuitor.eval.task;

import intuitor.data.DataFile;
import intuitor.data.Row;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * MMLU-Pro (arXiv 2406.01574): up to ten options, five worked examples of the same subject from the validation split,
 * no chat template. Prompt, extraction and the guess where nothing is found are those of its authors'
 * evaluate_from_local.py; their fewer examples where the prompt is too long are {@link Problem#prompt}'s argument.
 */
final class MmluPro implements Task {

    private static final int SHOTS = 5;
    private static final int MAX_TOKENS = 2048;
    private static final String LETTERS = "ABCDEFGHIJKLMNOP";
    private static final String NO_OPTION = "N/A";
    private static final Pattern STATED = Pattern.compile("answer is \\(?([A-J])\\)?");
    private static final Pattern LABELLED = Pattern.compile(".*[aA]nswer:\\s*([A-J])", Pattern.UNIX_LINES);
    private static final Pattern LAST_LETTER = Pattern.compile("\\b[A-J]\\b(?!.*\\b[A-J]\\b)", Pattern.DOTALL);

    @Override
    public String name() {
        return "mmlu_pro";
    }

    @Override
    public Protocol protocol() {
        return new Protocol(MAX_TOKENS, List.of("Question:"), false);
    }

    @Override
    public List<Problem> problems(DataFolder data, int limit) {
        Map<String, List<Row>> examples = new LinkedHashMap<>();
        for (Row row : rows(data, "validation")) {
            examples.computeIfAbsent(row.text("category"), c -> new ArrayList<>()).add(row);
        }
        return rows(data, "test").stream().limit(limit)
                .map(row -> problem(row, examples.getOrDefault(row.text("category"), List.of()))).toList();
    }

    private static List<Row> rows(DataFolder data, String split) {
        List<Row> rows = new ArrayList<>();
        for (Path file : data.files(List.of("MMLU-Pro", "mmlu_pro"),
                Pattern.compile("(data/)?" + split + "[^/]*\\.(parquet|jsonl)"), "TIGER-Lab/MMLU-Pro")) {
            rows.addAll(DataFile.read(file));
        }
        return rows;
    }

    private static Problem problem(Row row, List<Row> examples) {
        String right = row.text("answer");
        long id = row.integer("question_id");
        int options = options(row).size();
        int rightIndex = (int) row.integer("answer_index");
        return new Problem("" + id, row.text("category"), shots -> prompt(row, examples, shots),
                Math.min(SHOTS, examples.size()), right,
                completion -> judge(completion, right, id, options, rightIndex));
    }

    static String prompt(Row row, List<Row> examples, int shots) {
        StringBuilder prompt = new StringBuilder("The following are multiple choice questions (with answers) about "
                + row.text("category") + ". Think step by step and then finish your answer with \"the answer is (X)\" "
                + "where X is the correct letter choice.\n\n\n\n");
        for (Row example : examples.subList(0, Math.min(shots, examples.size()))) {
            prompt.append(question(example)).append(example.text("cot_content")
                    .replace("A: Let's think step by step.", "Answer: Let's think step by step.")).append("\n\n");
        }
        return prompt.append(question(row)).append("Answer: Let's think step by step.").toString();
    }

    private static String question(Row row) {
        StringBuilder text = new StringBuilder("Question:\n" + row.text("question") + "\nOptions:\n");
        List<String> options = options(row);
        for (int i = 0; i < options.size(); i++) {
            text.append(LETTERS.charAt(i)).append(". ").append(options.get(i)).append('\n');
        }
        return text.toString();
    }

    private static List<String> options(Row row) {
        return row.texts("options").stream().filter(o -> !o.equals(NO_OPTION)).toList();
    }

    private static Verdict judge(String completion, String right, long id, int options, int rightIndex) {
        Optional<String> letter = letter(completion);
        if (letter.isPresent()) {
            return new Verdict(letter.get(), letter.get().equals(right), null);
        }
        int drawn = new SplittableRandom(id).nextInt(options);
        return new Verdict(null, drawn == rightIndex, "no answer found, drawn by lot: " + LETTERS.charAt(drawn));
    }

    static Optional<String> letter(String completion) {
        for (Pattern pattern : List.of(STATED, LABELLED)) {
            Matcher matcher = pattern.matcher(completion);
            if (matcher.find()) {
                return Optional.of(matcher.group(1));
            }
        }
        Matcher last = LAST_LETTER.matcher(completion);
        return last.find() ? Optional.of(last.group()) : Optional.empty();
    }

    @Override
    public boolean sameAnswer(String a, String b) {
        return a.equals(b);
    }
}
