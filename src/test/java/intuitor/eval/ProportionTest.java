package intuitor.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class ProportionTest {
    @Test
    void wilsonIntervalOfKnownCases() {
        // Newcombe 1998, table 1: 81 of 263 and 0 of 20
        Proportion p = new Proportion(81, 263);
        assertEquals(0.2553, p.low(), 5e-5);
        assertEquals(0.3662, p.high(), 5e-5);
        assertEquals(0, new Proportion(0, 20).low(), 1e-12);
        assertEquals(0.1611, new Proportion(0, 20).high(), 5e-5);
        assertThrows(IllegalArgumentException.class, () -> new Proportion(0, 0));
    }
}
