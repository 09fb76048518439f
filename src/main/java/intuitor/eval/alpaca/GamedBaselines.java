package intuitor.eval.alpaca;

import intuitor.UserError;
import java.io.IOException;
import java.nio.file.Files;
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
public record GamedBaselines(List<Row> rows, Map<Integer, Double> difficulties) {

    record Row(double preference, double standardLengthDifference, double difficulty, boolean notGamed) { }

    public static GamedBaselines read(Path file) {
        int number = 1;
        try {
            List<String> lines = Files.readAllLines(file);
            List<String> header = List.of(lines.getFirst().split(",", -1));
            List<Row> rows = new ArrayList<>();
            Map<Integer, Double> difficulties = new HashMap<>();
            for (String line : lines.subList(1, lines.size())) {
                number++;
                String[] cells = line.split(",", -1);
                double difficulty = Double.parseDouble(cells[column(header, "instruction_difficulty", file)]);
                difficulties.putIfAbsent((int) Double.parseDouble(cells[column(header, "index", file)]), difficulty);
                String preference = cells[column(header, "preference", file)];
                if (!preference.isEmpty()) {
                    rows.add(new Row(Double.parseDouble(preference),
                            Double.parseDouble(cells[column(header, "std_delta_len", file)]),
                            difficulty, cells[column(header, "not_gamed_baseline", file)].equalsIgnoreCase("true")));
                }
            }
            return new GamedBaselines(rows, difficulties);
        } catch (IOException e) {
            throw new UserError("cannot read " + file + ": " + e.getMessage(), e);
        } catch (NumberFormatException | IndexOutOfBoundsException e) {
            throw new UserError(file + ":" + number + ": not the layout of tatsu-lab/alpaca_eval's df_gamed.csv", e);
        }
    }

    private static int column(List<String> header, String name, Path file) {
        int column = header.indexOf(name);
        if (column < 0) {
            throw new UserError(file + " has no column " + name + ", only " + header);
        }
        return column;
    }

    /** 0 for an instruction that the file does not have. */
    double difficulty(int index) {
        return difficulties.getOrDefault(index, 0.0);
    }
}
