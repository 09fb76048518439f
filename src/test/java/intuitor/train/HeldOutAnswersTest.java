package intuitor.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import intuitor.reward.AnswerExtraction;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Reference answers as data sets have them: the answer itself, or a worked solution that ends with it. */
class HeldOutAnswersTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "17 | so #### 17 | true",
        "3 * 4 = 12, 12 + 5 = 17. #### 17 | so #### 17.0 | true",
        "Dividing by 3 gives $x = \\boxed{4}$. | #### 4 | true",
        "Dividing by 3 gives $x = \\boxed{4}$. | #### 3 | false"})
    void aWorkedSolutionStandsForItsAnswer(String reference, String completion, boolean right) {
        assertEquals(right, HeldOutEvaluation.isRight(completion, reference, AnswerExtraction.STATED));
    }
}
