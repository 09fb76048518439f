package intuitor.reward;

import static org.junit.jupiter.api.Assertions.assertEquals;

import intuitor.rollout.Completion;
import intuitor.rollout.Group;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BestOfNTest {

    /** Ranks 1 to 4 are worth 4, 3, 2 and 1 votes: the 7 gets 2 and 3, the 8 gets 4. */
    @Test
    void theMostCertainOfThoseThatGiveTheElectedAnswer() {
        assertBest(3, 2, new double[] {9, 5, 1, 6}, "#### 8", "#### 7", "no answer", "\\boxed{7.0}");
    }

    /** Two votes of the least certain, 1 and 2, are less than the 3 of one that is sure. */
    @Test
    void oneThatIsSureOutweighsTwoThatAreNot() {
        assertBest(1, 1, new double[] {1, 9, 2}, "#### 7", "#### 8", "#### 9");
    }

    @Test
    void whereNoneGivesAnAnswerTheMostCertainOfAll() {
        assertBest(1, 0, new double[] {1, 3, 3}, "a", "b", "c");
    }

    private static void assertBest(int index, int agreeing, double[] certainty, String... texts) {
        List<Completion> completions = IntStream.range(0, texts.length).mapToObj(i -> new Completion(0, i, new int[1],
                new float[1], new float[1], new float[] {(float) certainty[i]}, true)).toList();
        BestOfN best = BestOfN.of(new Group(new int[1], completions), List.of(texts), AnswerExtraction.MATH);
        assertEquals(index, best.completion().index());
        assertEquals(agreeing, best.agreeing());
    }
}
