package intuitor.experiment.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.experiment.Evaluations;
import intuitor.monitor.Association;
import intuitor.train.HeldOutEvaluation.Judged;
import intuitor.train.JudgedCompletion;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Numbers worked by hand. */
class StatisticsTest {

    @Test
    void studentsIntervalOfFiveRuns() {
        // mean 3, s^2 = 10 / 4 = 2.5, t(0.975, 4) = 2.776445: half width 2.776445 * sqrt(0.5) = 1.963243
        Estimate e = Estimate.of(1, 2, 3, 4, 5);
        assertEquals(3, e.mean());
        assertEquals(3 - 1.963243, e.low(), 1e-6);
        assertEquals(3 + 1.963243, e.high(), 1e-6);
        assertEquals(5, e.n());
    }

    @Test
    void studentsIntervalOfTwoRuns() {
        // s = |a - b| / sqrt(2), t(0.975, 1) = 12.7062: half width 12.7062 * 0.1 / sqrt(2) / sqrt(2) = 0.63531
        Estimate e = Estimate.of(0.5, 0.6);
        assertEquals(0.55 - 0.63531, e.low(), 1e-5);
    }

    @Test
    void aSingleRunHasNoInterval() {
        assertFalse(Estimate.of(0.4).hasInterval());
        assertEquals("40.0", ReportText.cell(Estimate.of(0.4), 100, "%.1f"));
        assertEquals("-", ReportText.cell(Estimate.of(), 100, "%.1f"));
        assertEquals("300.0 [103.7, 496.3]", ReportText.cell(Estimate.of(1, 2, 3, 4, 5), 100, "%.1f"));
    }

    @Test
    void aurocCountsPairs() {
        // right: 3, 2; wrong: 2, 1. Pairs: 3>2, 3>1, 2=2 (a half), 2>1: 3.5 of 4
        assertEquals(3.5 / 4, Association.auroc(new double[] {3, 2, 1, 2}, new boolean[] {true, false, false, true}));
        assertEquals(0, Association.auroc(new double[] {1, 2}, new boolean[] {true, false}));
        assertEquals(0.5, Association.auroc(new double[] {7, 7, 7}, new boolean[] {true, false, true}));
        assertTrue(Double.isNaN(Association.auroc(new double[] {1, 2}, new boolean[] {true, true})));
    }

    @Test
    void gainsArePairedBySeed() {
        ArmData base = arm("base", Map.of(1L, evaluations(1, 4), 2L, evaluations(3, 4), 3L, evaluations(4, 4)));
        ArmData arm = arm("arm", Map.of(1L, evaluations(2, 4), 2L, evaluations(4, 4)));
        Estimate gain = arm.gain(base, "t", Mode.SAMPLED);
        assertEquals(new Estimate(0.25, 0.25, 0.25, 2), gain, "0.25 more with either seed: no spread");
        // 0.5 and 1: mean 0.75, half width 12.7062 * 0.25 = 3.17655
        Estimate accuracy = arm.accuracy("t", Mode.SAMPLED);
        assertEquals(0.75, accuracy.mean());
        assertEquals(0.75 - 3.17655, accuracy.low(), 1e-5);
    }

    @Test
    void aTableHasTheIntervalsAndMarksWhatIsNotZero() {
        ArmData base = arm("base", Map.of(1L, evaluations(1, 4), 2L, evaluations(3, 4)));
        ArmData arm = arm("arm", Map.of(1L, evaluations(2, 4), 2L, evaluations(4, 4)));
        ArmData same = arm("same", Map.of(1L, evaluations(2, 4), 2L, evaluations(4, 4)));
        ComparisonData comparison = new ComparisonData("c", base, List.of(arm, same));
        String text = new ReportText(List.of("t")).comparison(comparison).toString();
        assertTrue(text.contains("| base | 2 | 50.0 [-267.7, 367.7] | 50.0 [-267.7, 367.7] |"), text);
        // the two seeds agree by chance: nothing is marked
        assertTrue(text.contains("| arm | 2 | +25.0 [+25.0, +25.0] | +25.0 [+25.0, +25.0] |"), text);
        assertTrue(text.contains("Difference from arm") && text.contains("| same | 2 | +0.0 [+0.0, +0.0] |"), text);
    }

    /** Gains of .20, .21 and .22: 4.3027 times .01 over the root of 3 on both sides of .21. */
    @Test
    void whatThreeSeedsTellFromZeroIsMarked() {
        ArmData base = arm("base",
                Map.of(1L, evaluations(10, 100), 2L, evaluations(10, 100), 3L, evaluations(10, 100)));
        ArmData arm = arm("arm", Map.of(1L, evaluations(30, 100), 2L, evaluations(31, 100), 3L, evaluations(32, 100)));
        String text = new ReportText(List.of("t")).comparison(new ComparisonData("c", base, List.of(arm))).toString();
        assertTrue(text.contains("| arm | 3 | **+21.0 [+18.5, +23.5]** | **+21.0 [+18.5, +23.5]** |"), text);
    }

    private static ArmData arm(String name, Map<Long, Evaluations> evaluations) {
        return new ArmData(name, List.of(), new TreeMap<>(evaluations));
    }

    private static Evaluations evaluations(int right, int of) {
        List<JudgedCompletion> completions = IntStream.range(0, of)
                .mapToObj(i -> new JudgedCompletion(i < right, 10, true, 12 + i, 0.5)).toList();
        return new Evaluations(of, 1, Map.of(), Map.of(), Map.of("t", new Judged(completions, completions)));
    }
}
