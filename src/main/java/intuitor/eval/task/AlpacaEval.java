package intuitor.eval.task;

import intuitor.data.DataFile;
import intuitor.data.Row;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** AlpacaEval 2 (arXiv 2404.04475): 805 instructions. A judge compares the outputs with a baseline's afterwards. */
public final class AlpacaEval implements Task {

    public static final String NAME = "alpaca_eval";
    private static final String SOURCE = "tatsu-lab/alpaca_eval";
    private static final List<String> FOLDERS = List.of("alpaca_eval");
    private static final int PUBLISHED_MAX_TOKENS = 4096;

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Protocol protocol() {
        return new Protocol(PUBLISHED_MAX_TOKENS, List.of(), true);
    }

    @Override
    public List<Problem> problems(DataFolder data, int limit) {
        List<Problem> problems = new ArrayList<>();
        for (Row row : DataFile.read(instructions(data))) {
            if (problems.size() < limit) {
                problems.add(Problem.of("" + problems.size(), row.textOrNull("dataset"), row.text("instruction"), null,
                        completion -> new Verdict(null, null, null)));
            }
        }
        return problems;
    }

    /** The instructions. */
    public static Path instructions(DataFolder data) {
        return data.files(FOLDERS, Pattern.compile("alpaca_eval\\.json"), SOURCE).getFirst();
    }

    /** What AlpacaEval 2 regularises its length-controlled win rate with, where it is there. */
    public static Optional<Path> gamedBaselines(DataFolder data) {
        Path file = instructions(data).resolveSibling("df_gamed.csv");
        return Files.exists(file) ? Optional.of(file) : Optional.empty();
    }

    /** The outputs that the judge compares with: GPT-4 Turbo's, in the data set. */
    public static Path baseline(DataFolder data) {
        return data.files(FOLDERS, Pattern.compile("alpaca_eval_gpt4_baseline\\.json"), SOURCE).getFirst();
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
