package intuitor.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FinalAnswerTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "Step 1: 2+3=5.\\n#### 5 | 5 | true",
        "#### 5\\n#### 6 | 6 | true",
        "#### 5\\n#### 6 | 5 | false",
        "#### 1,234 | 1234 | true",
        "#### 5.0 | 5 | true",
        "#### -7 | -7 | true",
        "#### 57 | 5 | false",
        "#### 5 apples | 5 | false",
        "####5 | 5 | true",
        "the answer is 5 | 5 | false",
        "so \\boxed{42} | 42 | true",
        "#### | 5 | false",
        "'' | 5 | false",
        "#### 5 | five | false",
    })
    void comparesTheLastStatedNumber(String completion, String answer, boolean right) {
        assertEquals(right, FinalAnswer.matches(completion.replace("\\n", "\n"), answer));
    }

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
