package intuitor.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.reward.AnswerExtraction;
import intuitor.rollout.Completion;
import intuitor.rollout.Group;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SignalsTest {

    /** The last token of a completion is its answer, unless that is 0. */
    private static Signals of(Group... groups) {
        return Signals.of(List.of(groups), SignalsTest::text, AnswerExtraction.STATED);
    }

    private static String text(int[] tokens) {
        int last = tokens[tokens.length - 1];
        return last == 0 ? "" : "#### " + last;
    }

    private static Completion completion(double certainty, int... tokens) {
        float[] each = new float[tokens.length];
        Arrays.fill(each, (float) certainty);
        return new Completion(0, 0, tokens, new float[tokens.length], new float[tokens.length], each, true);
    }

    @Test
    void agreementAndItsCorrelationWithSelfCertainty() {
        Group divided = new Group(new int[] {1},
                List.of(completion(12, 8), completion(12, 8), completion(10, 9), completion(10, 0)));
        Group unanimous = new Group(new int[] {2},
                List.of(completion(11, 3), completion(11, 3), completion(13, 3), completion(13, 3)));
        Signals s = of(divided, unanimous);
        assertEquals(7.0 / 8, s.answered());
        assertEquals((0.5 + 1) / 2, s.agreement());
        // both groups' values lie 1 from their mean: sqrt(4/3)
        assertEquals(Math.sqrt(4.0 / 3), s.certaintyStd(), 1e-12);
        // shares .5 .5 .25 0 deviate by .1875 .1875 -.0625 -.3125: xy = .75, xx = 8, yy = .171875
        assertEquals(0.75 / Math.sqrt(8 * 0.171875), s.certaintyAgreement(), 1e-12);
        assertTrue(Double.isNaN(of(unanimous).certaintyAgreement()));
    }

    @Test
    void repetitionAndCopies() {
        int[] prompt = IntStream.range(100, 120).toArray();
        int[] loop = new int[20];
        Arrays.fill(loop, 7);
        // of its 17 n-grams the loop repeats 16; the copy of the prompt, and a third completion, repeat none
        Group copies = new Group(prompt, List.of(completion(1, loop), completion(1, prompt)));
        int[] own = IntStream.range(200, 220).toArray();
        Group other = new Group(new int[] {5}, List.of(completion(1, own), completion(1, loop)));
        Signals s = of(copies, other);
        assertEquals((1 + 17 + 17) / 68.0, s.distinct());
        assertEquals(2 * 16.0 / 17 / 4, s.repetition(), 1e-12);
        assertEquals(0.25, s.copiedPrompt());
        assertEquals(0.5, s.copiedElsewhere());
    }

    @Test
    void everySignalIsLogged() {
        assertEquals(Set.of("monitor/answered", "monitor/agreement", "monitor/certainty_group_std",
                "monitor/certainty_agreement_correlation", "monitor/distinct_4", "monitor/repetition_4",
                "monitor/copied_prompt", "monitor/copied_elsewhere"),
                of(new Group(new int[] {1}, List.of(completion(1, 2)))).metrics().keySet());
    }
}
