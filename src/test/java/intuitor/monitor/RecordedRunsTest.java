package intuitor.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.report.MetricsLog;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the monitor says of real runs of the demo: their metrics, with the accuracy on held-out problems as a probe. */
class RecordedRunsTest {

    private static final String ACCURACY = "monitor/probe/accuracy";

    /** Learning rate 5e-5, seed 1, all 160 steps. */
    @Test
    void aHealthyRunIsLeftAlone() {
        List<Map<String, Object>> run = run("healthy");
        assertEquals(160, run.size());
        assertEquals(List.of(), alarms(run));
    }

    /** Learning rate 5e-5, seed 5: the estimate of KL doubles in steps 111, 113 and 114, and falls again. */
    @Test
    void aHealthyRunWithAnUnsteadyKlIsLeftAloneToo() {
        List<Map<String, Object>> run = run("healthy-unsteady");
        assertEquals(160, run.size());
        assertEquals(List.of(), alarms(run));
    }

    /** Learning rate 1e-3, seed 3: from .60 to .01 within 14 steps. */
    @Test
    void aCollapseIsCaughtBeforeTenPointsAreLost() {
        assertCaughtInTime(13, run("collapsing"));
    }

    /** Learning rate 5e-4, seed 1: the accuracy stays at its best for a while before it falls. */
    @Test
    void aSlowerCollapseIsCaughtToo() {
        assertCaughtInTime(21, run("collapsing-slowly"));
    }

    /** Learning rate 1e-3, seed 7: from its best, .785, to .605 within two steps. */
    @Test
    void aSuddenCollapseIsCaughtToo() {
        assertCaughtInTime(13, run("collapsing-suddenly"));
    }

    /**
     * Learning rate 1e-3, seed 9: accuracy has lost 19.5 points, of .57, when anything shows without labels. With them
     * it shows earlier that self-certainty prefers right answers less.
     */
    @Test
    void aCollapseThatShowsOnLabelsOnlyIsCaughtByTheProbe() {
        List<Map<String, Object>> run = run("collapsing-silently");
        assertEquals(13, alarms(run.stream().map(RecordedRunsTest::withoutLabels).toList()).getFirst().step());
        Alarm first = alarms(run).getFirst();
        assertEquals(Hazard.REWARD_HACKING, first.hazard());
        assertEquals(10, first.step());
        assertTrue(first.message().contains("AUROC 0.84, at first 0.96"), first.message());
        assertEquals(0.535, accuracy(run.get(first.step() - 1)));
    }

    /** The alarm needs no label: what the probe found is only compared with. */
    private static void assertCaughtInTime(int step, List<Map<String, Object>> run) {
        Alarm first = alarms(run.stream().map(RecordedRunsTest::withoutLabels).toList()).getFirst();
        assertEquals(Hazard.COLLAPSE, first.hazard());
        assertEquals(step, first.step());
        double best = run.subList(0, step).stream().mapToDouble(RecordedRunsTest::accuracy).max().orElseThrow();
        assertTrue(accuracy(run.get(step - 1)) > best - 0.1);
        assertTrue(accuracy(run.getLast()) < best - 0.4);
    }

    private static Map<String, Object> withoutLabels(Map<String, Object> metrics) {
        Map<String, Object> without = new HashMap<>(metrics);
        without.keySet().removeIf(name -> name.startsWith("monitor/probe/"));
        return without;
    }

    private static double accuracy(Map<String, Object> metrics) {
        return ((Number) metrics.get(ACCURACY)).doubleValue();
    }

    private static List<Alarm> alarms(List<Map<String, Object>> run) {
        Monitor monitor = new Monitor(true);
        List<Alarm> alarms = new ArrayList<>();
        run.forEach(metrics -> alarms.addAll(monitor.observe(metrics)));
        return alarms;
    }

    private static List<Map<String, Object>> run(String name) {
        return MetricsLog.read(Path.of("src/test/resources/intuitor/monitor", name + ".jsonl"));
    }
}
