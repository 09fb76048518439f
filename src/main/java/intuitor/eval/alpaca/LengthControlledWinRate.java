package intuitor.eval.alpaca;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * AlpacaEval 2's length-controlled win rate (Dubois et al., arXiv 2404.04475): a logistic model of the preference from
 * the difference in length, the instruction's difficulty and the model itself,
 * <pre>
 *   logit P(model wins) = phi tanh((len_baseline - len_model) / std) + psi difficulty + theta
 * </pre>
 * fitted with an L1 penalty chosen by 5-fold cross-validation, and then asked what the win rate were at equal lengths.
 * With the authors' {@code df_gamed.csv} the fit is regularised towards the baseline's own verbose and concise outputs
 * and knows the difficulties ({@code length_controlled_v1}); without it, it is their {@code length_controlled_minimal}:
 * no difficulty.
 *
 * @param percent       length-controlled win rate
 * @param standardError of its mean over the instructions, in percent
 * @param formula       {@code length_controlled_v1} or {@code length_controlled_minimal}
 */
public record LengthControlledWinRate(double percent, double standardError, String formula) {

    private static final int FOLDS = 5;
    private static final int CHOICES = 10;
    private static final double LOWEST_POWER = -4;
    private static final double HIGHEST_POWER = 4;
    private static final double GAMED_WEIGHT = 0.2 / 2;
    private static final double CLIP = 1e-15;

    /**
     * As AlpacaEval has it, pairs without a preference are left out of the fit only: their lengths count in the
     * standard deviation, and their instructions in the win rate at equal lengths.
     *
     * @param judgements of all pairs, at least one of them with a preference
     * @param gamed      null: the minimal formula
     */
    public static LengthControlledWinRate of(List<Judgement> judgements, GamedBaselines gamed) {
        double[] deltas = judgements.stream().mapToDouble(j -> j.baselineLength() - j.length()).toArray();
        double std = standardDeviation(deltas);
        List<double[]> x = new ArrayList<>();
        List<Double> y = new ArrayList<>();
        List<Double> w = new ArrayList<>();
        if (gamed != null) {
            for (GamedBaselines.Judged row : gamed.rows()) {
                x.add(new double[] {Math.tanh(row.standardLengthDifference()), row.difficulty(),
                        row.notGamed() ? 1 : 0});
                y.add(row.preference());
                w.add(row.notGamed() ? 1 : GAMED_WEIGHT);
            }
        }
        List<double[]> atEqualLengths = new ArrayList<>();
        for (int i = 0; i < deltas.length; i++) {
            double tanh = std > 0 ? Math.tanh(deltas[i] / std) : 0;
            double difficulty = gamed == null ? 0 : gamed.difficulty(judgements.get(i).index());
            Double preference = judgements.get(i).preference();
            if (preference != null) {
                x.add(gamed == null ? new double[] {tanh, 1} : new double[] {tanh, difficulty, 1});
                y.add(preference);
                w.add(1.0);
            }
            atEqualLengths.add(gamed == null ? new double[] {0, 1} : new double[] {0, difficulty, 1});
        }
        double[] beta = crossValidated(x.toArray(double[][]::new), array(y), array(w));
        double[] predicted = atEqualLengths.stream()
                .mapToDouble(row -> 100 * L1Logistic.sigmoid(L1Logistic.dot(row, beta))).toArray();
        return new LengthControlledWinRate(Arrays.stream(predicted).average().orElseThrow(),
                standardDeviation(predicted) / Math.sqrt(predicted.length),
                gamed == null ? "length_controlled_minimal" : "length_controlled_v1");
    }

    /** The penalty whose mean loss on the folds left out is smallest, of ten as in scikit-learn; then fitted to all. */
    private static double[] crossValidated(double[][] x, double[] y, double[] w) {
        double best = Double.POSITIVE_INFINITY;
        double chosen = 1;
        for (int k = 0; k < CHOICES; k++) {
            double c = Math.pow(10, LOWEST_POWER + k * (HIGHEST_POWER - LOWEST_POWER) / (CHOICES - 1));
            double loss = 0;
            for (int fold = 0; fold < FOLDS && x.length >= FOLDS; fold++) {
                int left = fold;
                int[] in = IntStream.range(0, x.length).filter(i -> i % FOLDS != left).toArray();
                int[] out = IntStream.range(0, x.length).filter(i -> i % FOLDS == left).toArray();
                double[] beta = L1Logistic.fit(IntStream.of(in).mapToObj(i -> x[i]).toArray(double[][]::new),
                        chosen(y, in), chosen(w, in), c);
                loss += IntStream.of(out).mapToDouble(i -> w[i] * clippedLoss(y[i], L1Logistic.dot(x[i], beta)))
                        .average().orElseThrow();
            }
            if (loss < best) {
                best = loss;
                chosen = c;
            }
        }
        return L1Logistic.fit(x, y, w, chosen);
    }

    private static double clippedLoss(double y, double z) {
        double p = Math.min(1 - CLIP, Math.max(CLIP, L1Logistic.sigmoid(z)));
        return -y * Math.log(p) - (1 - y) * Math.log(1 - p);
    }

    /** With ddof = 1, as pandas'. */
    private static double standardDeviation(double[] values) {
        double mean = Arrays.stream(values).average().orElse(0);
        return Math.sqrt(Arrays.stream(values).map(v -> (v - mean) * (v - mean))
                .sum() / Math.max(1, values.length - 1));
    }

    private static double[] chosen(double[] values, int[] indices) {
        return IntStream.of(indices).mapToDouble(i -> values[i]).toArray();
    }

    private static double[] array(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).toArray();
    }
}
