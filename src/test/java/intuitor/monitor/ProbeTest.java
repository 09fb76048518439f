package intuitor.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ProbeTest {

    @Test
    void confidenceIsTheGeometricMeanOfTheTokensProbabilities() {
        float[] logprobs = {(float) Math.log(0.9), (float) Math.log(0.4)};
        assertEquals(Math.sqrt(0.9 * 0.4), Probe.confidence(logprobs), 1e-7);
    }

    /**
     * Two right of four; pairs won by right ones: 15 over 12 and 13, 12 over none: 2 of 4. Bin 9: |3.8 - 2|, over four.
     */
    @Test
    void whatAProbeSays() {
        Probe.Result r = Probe.Result.of(new double[] {15, 11, 13, 12}, new double[] {0.95, 0.95, 0.95, 0.95},
                new boolean[] {true, true, false, false});
        assertEquals(0.5, r.accuracy());
        assertEquals(0.5, r.auroc());
        assertEquals(0.45, r.calibrationError(), 1e-12);
        Probe.Result collapsed = Probe.Result.of(new double[] {19, 19}, new double[] {1, 1}, new boolean[2]);
        assertEquals(0, collapsed.accuracy());
        assertTrue(Double.isNaN(collapsed.auroc()));
        assertEquals(1, collapsed.calibrationError());
    }
}
