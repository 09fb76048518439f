package intuitor.eval.alpaca;

import intuitor.UserError;
import intuitor.checkpoint.AtomicFiles;
import intuitor.data.DataFile;
import intuitor.data.Row;
import intuitor.eval.run.Result;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** A model's outputs in AlpacaEval's own JSON, and side by side with the baseline's. */
public final class AlpacaOutputs {

    private static final JsonMapper JSON = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private AlpacaOutputs() { }

    /**
     * Pairs the first sample of each instruction with the baseline's output.
     *
     * @param instructions AlpacaEval's JSON, which the results answer
     * @param baseline     the same instructions in the same order, with the outputs of the baseline
     */
    public static List<Pair> pairs(List<Result> results, Path instructions, Path baseline) {
        List<Row> asked = DataFile.read(instructions);
        List<Row> rows = DataFile.read(baseline);
        List<Pair> pairs = new ArrayList<>();
        for (Result r : results) {
            if (r.sample() == 0) {
                int index = Integer.parseInt(r.id());
                if (index >= rows.size()) {
                    throw new UserError(baseline + " has " + rows.size() + " outputs only; instruction " + (index + 1)
                            + " has none");
                }
                Row row = rows.get(index);
                String instruction = asked.get(index).text("instruction");
                if (!row.text("instruction").equals(instruction)) {
                    throw new UserError(row.where() + ": not the instruction that " + asked.get(index).where()
                            + " has; both files must be of the same release of AlpacaEval");
                }
                pairs.add(new Pair(index, instruction, r.completion(), row.text("output")));
            }
        }
        return pairs;
    }

    /** Writes the list of instruction, output, generator and dataset that the alpaca_eval program reads, too. */
    public static void write(Path file, List<Result> results, Path instructions, String generator) {
        List<Row> rows = DataFile.read(instructions);
        List<Map<String, String>> outputs = new ArrayList<>();
        for (Result r : results) {
            if (r.sample() == 0) {
                Map<String, String> output = new LinkedHashMap<>();
                output.put("instruction", rows.get(Integer.parseInt(r.id())).text("instruction"));
                output.put("output", r.completion());
                output.put("generator", generator);
                output.put("dataset", r.category());
                outputs.add(output);
            }
        }
        AtomicFiles.writeString(file, JSON.writeValueAsString(outputs) + "\n");
    }
}
