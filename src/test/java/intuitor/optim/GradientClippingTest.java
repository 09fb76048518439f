package intuitor.optim;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class GradientClippingTest {

    /** As torch: max_norm / (norm + 1e-6), and never more than 1. */
    @Test
    void scalesLongGradientsOnly() {
        assertEquals(0.25, GradientClipping.scale(4, 1), 1e-6);
        assertEquals(2 / (8 + 1e-6), GradientClipping.scale(8, 2), 1e-15);
        assertEquals(1, GradientClipping.scale(0.5, 1));
        assertEquals(1, GradientClipping.scale(0, 1));
    }

    @Test
    void zeroMeansNoClipping() {
        assertEquals(1, GradientClipping.scale(1e9, 0));
    }
}
