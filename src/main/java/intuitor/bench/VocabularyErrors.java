package intuitor.bench;

import intuitor.device.Tensor;
import intuitor.device.VocabStats;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;

/** What is said of rows of logits, beside double precision; at temperature 1. */
final class VocabularyErrors {

    /** Rows of the head's matrix that are on the host at a time. */
    private static final int BLOCK = 4096;

    private final Inputs in;

    VocabularyErrors(Inputs in) {
        this.in = in;
    }

    /** Of the outputs of vocab_reduce that there are. */
    double reduction(VocabStats out, Tensor logits, Tensor targets) {
        return statistics(out, Errors.sample((int) logits.dim(0)), row -> in.values(logits.rows(row, 1)), targets);
    }

    /** The same, of logits that were never stored. */
    double head(VocabStats out, Tensor hidden, Tensor weight, Tensor targets) {
        int[] rows = Errors.sample((int) hidden.dim(0));
        double[][] logits = logits(rows, hidden, weight);
        return statistics(out, rows, row -> logits[Arrays.binarySearch(rows, row)], targets);
    }

    /** Of the gradient that has taken the logits' place. */
    static double gradient(double[] logits, double[] gradient, int target, double lse, double coefficient) {
        double[] expected = new double[logits.length];
        for (int j = 0; j < logits.length; j++) {
            expected[j] = coefficient * ((j == target ? 1 : 0) - Math.exp(logits[j] - lse));
        }
        return Errors.of(gradient, expected);
    }

    private double statistics(VocabStats out, int[] rows, IntFunction<double[]> logits, Tensor targets) {
        int[] target = in.integers(targets);
        double worst = 0;
        for (int row : rows) {
            double[] z = logits.apply(row);
            VocabularyReference expected = VocabularyReference.of(z, target[row]);
            worst = Math.max(worst, error(out, row, new double[] {expected.lse(), expected.logprob(),
                expected.entropy(), expected.selfCertainty()}));
            if (out.argmax() != null && z[in.integers(out.argmax().rows(row, 1))[0]] < expected.highest()) {
                worst = Double.POSITIVE_INFINITY;
            }
        }
        return worst;
    }

    /** All four are sums and differences of the same numbers, in nats: their greatest is the measure of each. */
    private double error(VocabStats out, int row, double[] expected) {
        List<Tensor> outputs = Arrays.asList(out.lse(), out.logprob(), out.entropy(), out.selfCertainty());
        double[] results = expected.clone();
        for (int i = 0; i < results.length; i++) {
            if (outputs.get(i) != null) {
                results[i] = in.values(outputs.get(i).rows(row, 1))[0];
            }
        }
        return Errors.of(results, expected);
    }

    private double[][] logits(int[] rows, Tensor hidden, Tensor weight) {
        int v = (int) weight.dim(0);
        int h = (int) weight.dim(1);
        double[][] x = Arrays.stream(rows).mapToObj(row -> in.values(hidden.rows(row, 1))).toArray(double[][]::new);
        double[][] logits = new double[rows.length][v];
        for (int from = 0; from < v; from += BLOCK) {
            int count = Math.min(BLOCK, v - from);
            double[] w = in.values(weight.rows(from, count));
            for (int r = 0; r < rows.length; r++) {
                for (int j = 0; j < count; j++) {
                    double sum = 0;
                    for (int i = 0; i < h; i++) {
                        sum += x[r][i] * w[j * h + i];
                    }
                    logits[r][from + j] = sum;
                }
            }
        }
        return logits;
    }
}
