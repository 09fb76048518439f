package intuitor.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class AssociationTest {

    /** Deviations (-1, 1) and (-2, 2) of x; (-1, 1) and (1, -1) of y: xy = 2 - 4, xx = 2 + 8, yy = 2 + 2. */
    @Test
    void correlationIsWithinGroups() {
        double[][] x = {{1, 3}, {10, 14}};
        double[][] y = {{5, 7}, {1, -1}};
        assertEquals(-2 / Math.sqrt(40), Association.withinGroups(x, y), 1e-15);
        // a group's level does not count: within each, y is x turned round
        double[][] levels = {{1, 2}, {101, 102}};
        assertEquals(-1, Association.withinGroups(levels, new double[][] {{2, 1}, {102, 101}}), 1e-15);
        assertTrue(Double.isNaN(Association.withinGroups(new double[][] {{4, 4}}, new double[][] {{1, 2}})));
        assertTrue(Double.isNaN(Association.withinGroups(new double[][] {{1, 2}}, new double[][] {{0, 0}})));
    }

    /** Right: 3 and 2; wrong: 1, 2, 4. Pairs won: (3 > 1, 3 > 2), (2 > 1), and half of (2 = 2): 3.5 of 6. */
    @Test
    void aurocCountsPairs() {
        double[] score = {3, 1, 2, 2, 4};
        boolean[] right = {true, false, true, false, false};
        assertEquals(3.5 / 6, Association.auroc(score, right), 1e-15);
        assertEquals(1, Association.auroc(new double[] {1, 2, 3}, new boolean[] {false, true, true}));
        assertEquals(0.5, Association.auroc(new double[] {7, 7, 7}, new boolean[] {false, true, true}));
        assertTrue(Double.isNaN(Association.auroc(new double[] {1, 2}, new boolean[] {true, true})));
        assertTrue(Double.isNaN(Association.auroc(new double[] {1, 2}, new boolean[] {false, false})));
    }

    /** The example of Hanley and McNeil's paper. */
    @Test
    void theErrorOfAnAurocDependsOnHowManyThereAre() {
        assertEquals(0.0325, Association.aurocError(0.893, 51, 58), 5e-5);
        assertTrue(Association.aurocError(0.893, 5, 58) > 0.07);
    }

    /**
     * Bin 9: confidences .95, .92 and 1, one right of three: |2.87 - 1|. Bin 4: .45, right: |.45 - 1|. Over four
     * completions.
     */
    @Test
    void calibrationErrorIsWeightedByBin() {
        double[] confidence = {0.95, 0.92, 1, 0.45};
        boolean[] right = {true, false, false, true};
        assertEquals((1.87 + 0.55) / 4, Association.calibrationError(confidence, right), 1e-12);
        assertEquals(0, Association.calibrationError(new double[] {0.5, 0.5}, new boolean[] {true, false}), 1e-15);
    }
}
