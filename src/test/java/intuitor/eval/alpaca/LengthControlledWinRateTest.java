package intuitor.eval.alpaca;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LengthControlledWinRateTest {

    @TempDir
    Path folder;

    /**
     * The subgradient of the objective contains 0: |C g| <= 1 where a coefficient is 0, C g = -sign where it is not.
     */
    @Test
    void theFitMeetsTheOptimalityConditions() {
        SplittableRandom random = new SplittableRandom(4);
        for (double c : new double[] {1e-4, 1e-2, 0.1, 1, 100, 1e4}) {
            double[][] x = new double[200][3];
            double[] y = new double[200];
            double[] w = new double[200];
            for (int i = 0; i < 200; i++) {
                x[i] = new double[] {random.nextDouble(-1, 1), random.nextDouble(-3, 3), 1};
                y[i] = Math.min(1, Math.max(0, L1Logistic.sigmoid(x[i][0] - 0.7 + random.nextDouble(-1, 1))));
                w[i] = random.nextDouble();
            }
            double[] beta = L1Logistic.fit(x, y, w, c);
            for (int a = 0; a < 3; a++) {
                double g = 0;
                for (int i = 0; i < 200; i++) {
                    g += c * w[i] * (L1Logistic.sigmoid(L1Logistic.dot(x[i], beta)) - y[i]) * x[i][a];
                }
                if (Math.abs(beta[a]) < 1e-9) {
                    assertTrue(Math.abs(g) <= 1 + 1e-5, "C " + c + ": " + g);
                } else {
                    assertEquals(-Math.signum(beta[a]), g, 1e-5 * Math.max(1, c), "C " + c);
                }
            }
        }
    }

    private static List<Judgement> judgements(double skill, double lengthBias, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<Judgement> all = new ArrayList<>();
        for (int i = 0; i < 800; i++) {
            int length = random.nextInt(1000, 3000); // longer than the baseline's on average
            int baseline = random.nextInt(500, 2000);
            double p = L1Logistic.sigmoid(skill + lengthBias * Math.tanh((length - baseline) / 760.0));
            all.add(new Judgement(i, "judge", p, p, length, baseline));
        }
        return all;
    }

    /** Preferences that a known model made: the win rate at equal lengths is that model's. */
    @Test
    void lengthIsTakenOut() {
        List<Judgement> j = judgements(-1, 1.5, 1);
        double plain = j.stream().mapToDouble(Judgement::preference).average().orElseThrow();
        LengthControlledWinRate lc = LengthControlledWinRate.of(j, null);
        assertEquals(100 * L1Logistic.sigmoid(-1), lc.percent(), 1.0);
        assertTrue(100 * plain > lc.percent() + 5, plain + " " + lc);
        assertEquals(0, lc.standardError(), 1e-9);
        assertEquals("length_controlled_minimal", lc.formula());
        assertEquals(lc, LengthControlledWinRate.of(j, null));
    }

    @Test
    void withoutALengthBiasItIsTheWinRate() {
        assertEquals(100 * L1Logistic.sigmoid(0.5), LengthControlledWinRate.of(judgements(0.5, 0, 2), null).percent(),
                0.5);
    }

    @Test
    void theAuthorsFileRegularises() throws IOException {
        StringBuilder csv =
                new StringBuilder("model,index,preference,std_delta_len,instruction_difficulty,not_gamed_baseline\n");
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < 800; i++) {
            double difficulty = random.nextDouble(-1, 1);
            csv.append("verbose,").append(i).append(",0.65,-1.1,").append(difficulty).append(",False\n");
            csv.append("concise,").append(i).append(",0.2,1.2,").append(difficulty).append(",False\n");
        }
        GamedBaselines gamed = GamedBaselines.read(Files.writeString(folder.resolve("df_gamed.csv"), csv));
        assertEquals(1600, gamed.rows().size());
        LengthControlledWinRate lc = LengthControlledWinRate.of(judgements(-1, 1.5, 1), gamed);
        assertEquals("length_controlled_v1", lc.formula());
        assertEquals(100 * L1Logistic.sigmoid(-1), lc.percent(), 3.0);
        UserError e = assertThrows(UserError.class, () ->
                GamedBaselines.read(Files.writeString(folder.resolve("x.csv"), "a,b\n1,2\n")));
        assertTrue(e.getMessage().contains("row 1: no text \"instruction_difficulty\" in this row; it has [a, b]"),
                e.getMessage());
    }

    /**
     * AlpacaEval's: the standard deviation and the mean are over all pairs, the fit over those with a preference. An
     * unjudged pair among equal lengths changes the scale of tanh, and a difficult one lowers the mean.
     */
    @Test
    void pairsWithoutAPreferenceAreLeftOutOfTheFitOnly() throws IOException {
        List<Judgement> judged = judgements(0.5, 1.5, 2);
        List<Judgement> all = new ArrayList<>(judged);
        all.add(new Judgement(900, "judge", null, null, 200_000, 5));
        // with the outlier in the standard deviation tanh is almost linear in the difference, without it it is not
        double expected = LengthControlledWinRate.of(judged, null).percent();
        double std = deviation(all) / deviation(judged);
        assertTrue(std > 5, "" + std);
        List<Judgement> stretched = new ArrayList<>(judged);
        stretched.add(new Judgement(900, "judge", null, null, 5, 200_000)); // the same deviation to 1%
        double actual = LengthControlledWinRate.of(all, null).percent();
        assertNotEquals(expected, actual, 1e-3);
        assertEquals(LengthControlledWinRate.of(stretched, null).percent(), actual, 0.1);

        StringBuilder csv =
                new StringBuilder("model,index,preference,std_delta_len,instruction_difficulty,not_gamed_baseline\n");
        for (int i = 0; i < 800; i++) {
            csv.append("verbose,").append(i).append(",0.65,-1.1,").append(i % 2 == 0 ? 1 : -1).append(",False\n");
        }
        csv.append("verbose,900,0.65,-1.1,50,False\n");
        GamedBaselines gamed = GamedBaselines.read(Files.writeString(folder.resolve("df_gamed.csv"), csv));
        all.set(800, new Judgement(900, "judge", null, null, 1500, 1200));
        double withHard = LengthControlledWinRate.of(all, gamed).percent();
        double without = LengthControlledWinRate.of(judged, gamed).percent();
        assertTrue(Math.abs(withHard - without) < 100.0 / 801, withHard + " " + without);
        assertNotEquals(without, withHard, 1e-9);
    }

    private static double deviation(List<Judgement> judgements) {
        double[] deltas = judgements.stream().mapToDouble(j -> j.baselineLength() - j.length()).toArray();
        double mean = Arrays.stream(deltas).average().orElseThrow();
        return Math.sqrt(Arrays.stream(deltas).map(d -> (d - mean) * (d - mean)).sum() / (deltas.length - 1));
    }
}
