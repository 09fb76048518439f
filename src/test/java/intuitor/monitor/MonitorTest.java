package intuitor.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** On made-up series: each hazard where it begins, and not a step before. */
class MonitorTest {

    private static final int STEPS = 60;

    /** A run in which nothing happens. */
    private static Map<String, Object> calm(int step) {
        Map<String, Object> m = new HashMap<>();
        m.put("step", step);
        m.put("reward", 14.0);
        m.put("kl", 0.004);
        m.put("entropy", 0.3);
        m.put("completions/mean_length", 50.0);
        m.put("completions/clipped_ratio", 0.05);
        m.put("monitor/agreement", 0.5);
        m.put("monitor/certainty_group_std", 1.2);
        m.put("monitor/repetition_4", 0.02);
        m.put("monitor/copied_prompt", 0.0);
        m.put("monitor/copied_elsewhere", 0.1);
        return m;
    }

    private static List<Alarm> alarms(IntFunction<Map<String, Object>> changes) {
        return alarms(new Monitor(true), changes);
    }

    private static List<Alarm> alarms(Monitor monitor, IntFunction<Map<String, Object>> changes) {
        return IntStream.rangeClosed(1, STEPS).mapToObj(step -> {
            Map<String, Object> metrics = calm(step);
            metrics.putAll(changes.apply(step));
            return monitor.observe(metrics);
        }).flatMap(List::stream).toList();
    }

    private static void assertAlarm(int step, Hazard hazard, int sound, List<Alarm> alarms) {
        assertEquals(1, alarms.size(), alarms.toString());
        Alarm alarm = alarms.getFirst();
        assertEquals(new Alarm(step, hazard, sound, alarm.message()), alarm);
    }

    @Test
    void aQuietRunIsLeftAlone() {
        assertEquals(List.of(), alarms(step -> Map.of()));
        // nor one that learns: longer, surer, more agreed, a little away from the base
        assertEquals(List.of(), alarms(step -> Map.of("reward", 14 + step * 0.02, "kl", 0.0003 * step,
                "entropy", 0.3 - 0.004 * step, "completions/mean_length", 50.0 + step / 3.0,
                "monitor/agreement", 0.5 + step * 0.007, "monitor/certainty_group_std", 1.2 - 0.012 * step)));
    }

    /** The spread is gone from step 20 on; three KLs in turn are above a fifth of the entropy from step 32 on. */
    @Test
    void collapseNeedsAllItsSigns() {
        IntFunction<Map<String, Object>> spread = step -> Map.of("monitor/certainty_group_std",
                step < 10 ? 1.2 : step < 20 ? 0.91 : 0.89);
        assertEquals(List.of(), alarms(spread));
        IntFunction<Map<String, Object>> kl = step -> Map.of("kl", step < 30 ? 0.004 : 0.061);
        assertEquals(List.of(), alarms(kl));
        assertEquals(List.of(), alarms(step -> union(spread.apply(step), Map.of("kl", step < 30 ? 0.004 : 0.059))));
        // two of three steps are not enough
        assertEquals(List.of(), alarms(step -> union(spread.apply(step),
                Map.of("kl", step > 30 && step % 3 > 0 ? 0.061 : 0.004))));
        // far away, but slowly: not doubled in five steps
        assertEquals(List.of(), alarms(step -> union(spread.apply(step), Map.of("kl", 0.004 * Math.pow(1.14, step)))));
        List<Alarm> both = alarms(step -> union(spread.apply(step), kl.apply(step)));
        assertAlarm(32, Hazard.COLLAPSE, 29, both);
        assertEquals("self-certainty differs less within groups (spread 0.89, early 1.20) and the policy runs away "
                + "from the base (KL 0.061, 0.004 five steps before; entropy 0.300)", both.getFirst().message());
    }

    /** KL may also leap: higher in two steps in turn, doubled, and above two fifths of the entropy, .12. */
    @Test
    void collapseIsSeenWhereTheKlLeaps() {
        assertEquals(List.of(), alarms(step -> leap(step, 0.05, 0.11)));
        assertEquals(List.of(), alarms(step -> leap(step, 0.003, 0.13)));
        assertAlarm(30, Hazard.COLLAPSE, 27, alarms(step -> leap(step, 0.05, 0.13)));
        // not doubled within two steps, nor within five
        assertEquals(List.of(), alarms(step -> union(leap(step, 0, 0), Map.of("kl",
                step < 28 ? 0.07 : step == 28 ? 0.08 : step == 29 ? 0.1 : step == 30 ? 0.13 : 0.07))));
    }

    private static Map<String, Object> leap(int step, double first, double second) {
        return Map.of("monitor/certainty_group_std", step < 20 ? 1.2 : 0.89,
                "kl", step == 29 ? first : step == 30 ? second : 0.004);
    }

    /** A KL that grows by an eighth each step passes the entropy, .3, with step 39; its median a step later. */
    @Test
    void aSlowCollapseIsSeenWhereTheKlPassesTheEntropy() {
        IntFunction<Map<String, Object>> slow = step -> Map.of("kl", 0.3 * Math.pow(1.125, step - 38.5));
        assertEquals(List.of(), alarms(slow));
        List<Alarm> alarms = alarms(step -> union(slow.apply(step),
                Map.of("monitor/certainty_group_std", step < 10 ? 1.2 : 0.59)));
        assertAlarm(40, Hazard.COLLAPSE, 37, alarms);
        assertTrue(alarms.getFirst().message().contains("the policy is far from the base"), alarms.toString());
    }

    /** Without a reference there is no KL; then .8 - .2 is the least correlation, and .6 times 1.2 the least spread. */
    @Test
    void collapseIsSeenWithoutAReference() {
        assertEquals(List.of(), alarms(step -> noKl(step < 20 ? 1.2 : 0.71, 0.8)));
        assertEquals(List.of(), alarms(step -> noKl(step < 20 ? 1.2 : 0.73, step < 30 ? 0.8 : 0.5)));
        assertAlarm(31, Hazard.COLLAPSE, 28, alarms(step -> noKl(step < 20 ? 1.2 : 0.71, step < 30 ? 0.8 : 0.59)));
    }

    private static Map<String, Object> noKl(double spread, double correlation) {
        return Map.of("kl", Double.NaN, "monitor/certainty_group_std", spread,
                "monitor/certainty_agreement_correlation", correlation);
    }

    @Test
    void lengthExplodesWhereCompletionsDoNotEnd() {
        assertEquals(List.of(), alarms(step -> Map.of("completions/mean_length", 50.0 * Math.max(1, step / 10.0))));
        assertEquals(List.of(), alarms(step -> Map.of("completions/clipped_ratio", step < 20 ? 0.05 : 0.5)));
        assertAlarm(21, Hazard.LENGTH_EXPLOSION, 18, alarms(step -> step < 20 ? Map.of()
                : Map.of("completions/mean_length", 63.0, "completions/clipped_ratio", 0.26)));
    }

    @Test
    void repetitionAndCopyingAreMeasuredAgainstTheRunsOwnStart() {
        assertAlarm(21, Hazard.REPETITION, 18, alarms(step -> Map.of("monitor/repetition_4", step < 20 ? 0.5 : 0.76)));
        assertEquals(List.of(), alarms(step -> Map.of("monitor/repetition_4", 0.9)));
        assertAlarm(11, Hazard.COPYING, 8, alarms(step -> Map.of("monitor/copied_prompt", step < 10 ? 0 : 0.3)));
        assertAlarm(11, Hazard.COPYING, 8, alarms(step -> Map.of("monitor/copied_elsewhere", step < 10 ? 0.1 : 0.4)));
        // a single step is none
        assertEquals(List.of(), alarms(step -> Map.of("monitor/copied_elsewhere", step == 30 ? 0.9 : 0.1)));
    }

    /**
     * Groups agree most in steps 21 to 30; from then on .8 falls to .61, and the mean of ten is below .7 with step 36.
     */
    @Test
    void theRewardRisesWhileAgreementFalls() {
        IntFunction<Map<String, Object>> falling = step ->
                Map.of("monitor/agreement", step <= 20 ? 0.5 : step <= 30 ? 0.8 : 0.61);
        assertEquals(List.of(), alarms(falling));
        List<Alarm> alarms = alarms(step -> union(falling.apply(step), Map.of("reward", 14 + step * 0.01)));
        assertAlarm(36, Hazard.REWARD_HACKING, 30, alarms);
        String message = alarms.getFirst().message();
        assertTrue(message.contains("agreement within groups fell from 0.80 to 0.69"), message);
    }

    /**
     * Looked at every tenth step: right are .5, .7, .7, then .55. A fall of two standard errors of 50 completions is
     * .18.
     */
    @Test
    void theRewardRisesWhileTheProbeFindsFewerRight() {
        double[] accuracy = {0.5, 0.7, 0.7, 0.55, 0.55, 0.55};
        assertAlarm(31, Hazard.REWARD_HACKING, 11, probed(accuracy, 1000, 0.01));
        assertEquals(List.of(), probed(accuracy, 50, 0.01));
        assertEquals(List.of(), probed(accuracy, 1000, 0));
    }

    /** Looked at every tenth step, 200 completions, half of them right: the standard error of .85 is .027. */
    @Test
    void selfCertaintyPrefersRightAnswersLess() {
        double[] auroc = {0.95, 0.97, 0.9, 0.84, 0.83, 0.8};
        assertAlarm(31, Hazard.REWARD_HACKING, 1, preferring(auroc, 200, true));
        assertEquals(List.of(), preferring(auroc, 200, false), "it is not rewarded");
        // two standard errors of 12 completions are .24
        assertEquals(List.of(), preferring(auroc, 12, true));
    }

    private static List<Alarm> preferring(double[] auroc, int completions, boolean rewarded) {
        return alarms(new Monitor(rewarded), step -> step % 10 != 1 ? Map.of() : Map.of("monitor/probe/accuracy", 0.5,
                "monitor/probe/completions", completions, "monitor/probe/auroc", auroc[step / 10]));
    }

    private static List<Alarm> probed(double[] accuracy, int completions, double rise) {
        return alarms(step -> step % 10 != 1 ? Map.of() : Map.of("reward", 14 + rise * step,
                "monitor/probe/completions", completions, "monitor/probe/accuracy", accuracy[step / 10]));
    }

    @Test
    void anEpisodeIsReportedOnce() {
        IntFunction<Map<String, Object>> loops = step -> Map.of("monitor/repetition_4",
                step >= 10 && step < 20 || step >= 24 && step < 30 || step >= 50 ? 0.9 : 0.02);
        assertEquals(List.of(11, 51), alarms(loops).stream().map(Alarm::step).toList());
    }

    @Test
    void aRewoundMonitorKnowsNothingOfWhatWasGivenUp() {
        Monitor monitor = new Monitor(true);
        List<Integer> seen = new ArrayList<>();
        for (int step = 1; step <= 30; step++) {
            Map<String, Object> metrics = calm(step);
            metrics.put("monitor/repetition_4", step >= 20 && step < 22 || step >= 25 ? 0.9 : 0.02);
            List<Alarm> alarms = monitor.observe(metrics);
            if (!alarms.isEmpty()) {
                assertTrue(seen.isEmpty() || alarms.getFirst().sound() > 18, "not beyond what was returned to");
                seen.add(step);
                assertEquals(Set.of(Hazard.REPETITION), monitor.active());
                monitor.rewind(18);
                assertEquals(Set.of(), monitor.active());
            }
        }
        // after 18 come 22, 23, 24 and, with the second bad one, the next alarm
        assertEquals(List.of(21, 26, 28, 30), seen);
    }

    /** What a resumed run reads in its log has null where there was no number. */
    @Test
    void whatIsNoNumberCountsAsMissing() {
        assertEquals(List.of(), alarms(step -> Map.of("kl", Double.NaN, "monitor/agreement", Double.NaN,
                "monitor/repetition_4", step > 10 ? Double.POSITIVE_INFINITY : 0.02)));
    }

    /** The first five have 50 in the middle; the latest three then 50, 60 and 70. */
    @Test
    void lengthDriftIsMeasuredAgainstTheFirstSteps() {
        Monitor monitor = new Monitor(true);
        double[] lengths = {50, 40, 60, 50, 50, 60, 70, 80};
        double[] drifts = new double[lengths.length];
        for (int i = 0; i < lengths.length; i++) {
            monitor.observe(union(calm(i + 1), Map.of("completions/mean_length", lengths[i])));
            drifts[i] = monitor.lengthDrift();
        }
        assertTrue(Double.isNaN(drifts[4]));
        assertEquals(List.of(1.0, 1.2, 1.4), List.of(drifts[5], drifts[6], drifts[7]));
    }

    private static Map<String, Object> union(Map<String, Object> a, Map<String, Object> b) {
        Map<String, Object> union = new HashMap<>(a);
        union.putAll(b);
        return union;
    }
}
