package intuitor.eval.alpaca;

import intuitor.UserError;
import intuitor.data.DataFile;
import intuitor.data.Row;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * {@code df_gamed.csv} of the data set tatsu-lab/alpaca_eval: how the baseline's verbose and concise outputs were
 * judged, and how difficult each instruction is. Columns index, preference (in [0, 1]), std_delta_len,
 * instruction_difficulty and not_gamed_baseline; others are left alone.
 *
 * @param rows         of the file
 * @param difficulties by the instruction's index
 */
public record GamedBaselines(List<Judged> rows, Map<Integer, Double> difficulties) {

    record Judged(double preference, double standardLengthDifference, double difficulty, boolean notGamed) { }

    public static GamedBaselines read(Path file) {
        List<Judged> rows = new ArrayList<>();
        Map<Integer, Double> difficulties = new HashMap<>();
        for (Row row : DataFile.read(file)) {
            try {
                double difficulty = Double.parseDouble(row.text("instruction_difficulty"));
                difficulties.putIfAbsent((int) Double.parseDouble(row.text("index")), difficulty);
                String preference = row.text("preference");
                if (!preference.isEmpty()) {
                    rows.add(new Judged(Double.parseDouble(preference), Double.parseDouble(row.text("std_delta_len")),
                            difficulty, row.text("not_gamed_baseline").equalsIgnoreCase("true")));
                }
            } catch (NumberFormatException e) {
                throw new UserError(row.where() + ": not the layout of tatsu-lab/alpaca_eval's df_gamed.csv", e);
            }
        }
        return new GamedBaselines(rows, difficulties);
    }

    /** 0 for an instruction that the file does not have. */
    double difficulty(int index) {
        return difficulties.getOrDefault(index, 0.0);
    }
}
