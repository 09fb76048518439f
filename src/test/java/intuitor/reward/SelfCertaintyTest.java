package intuitor.reward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import intuitor.rollout.Completion;
import intuitor.rollout.Group;
import java.util.List;
import org.junit.jupiter.api.Test;

class SelfCertaintyTest {

    @Test
    void meanOverTheTokensOfACompletion() {
        Group group = new Group(new int[] {1}, List.of(completion(3f), completion(1f, 2f, 6f)));
        assertArrayEquals(new double[] {3, 3}, new SelfCertainty().score(group));
    }

    private static Completion completion(float... certainty) {
        int n = certainty.length;
        return new Completion(0, 0, new int[n], new float[n], new float[n], certainty, true);
    }
}
