package intuitor.reward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import intuitor.eval.sandbox.Limits;
import intuitor.eval.sandbox.Sandboxes;
import intuitor.rollout.Completion;
import intuitor.rollout.Group;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CodeTestsTest {

    private final Reward reward = new CodeTests(() -> Sandboxes.open(Limits.CONTEST));

    @BeforeEach
    void prepare() {
        reward.prepare();
    }

    @AfterEach
    void close() {
        reward.close();
    }

    /** Doubles: 1 -> 2 and 3 -> 6. All, one and none of the tests; no program; one that does not end as it should. */
    @Test
    void thePartOfTheTestsThatPass() {
        String tests = "{\"input\": [\"1\\n\", \"3\\n\"], \"output\": [\"2\\n\", \"6\"]}";
        assertArrayEquals(new double[] {1, 0.5, 0, 0, 0}, score(tests,
                "I double it.\n```python\nprint(2 * int(input()))\n```\n", "```\nprint(1 + int(input()))\n```", "```\nprint(0)\n```", "print(2 * int(input()))",
                "```\nprint(2 * int(input()))\nraise ValueError\n```"));
    }

    @Test
    void answersThatAreNoTestsAreRefused() {
        assertSays("42", "reward code: the answer of \"Double it\": the test cases cannot be unpacked");
        assertSays("{}", "reward code: the answer of \"Double it\" has no test");
        assertTrue(reward.needsAnswers());
    }

    private void assertSays(String answer, String message) {
        String said = assertThrows(UserError.class, () -> score(answer, "x")).getMessage();
        assertTrue(said.startsWith(message), said);
        assertEquals(1, said.lines().count());
    }

    private double[] score(String answer, String... texts) {
        List<Completion> completions = IntStream.range(0, texts.length).mapToObj(i -> new Completion(0, i,
                new int[] {i}, new float[1], new float[1], new float[1], true)).toList();
        return reward.score(new RewardContext(new Group(new int[] {-1}, completions), answer, 1, 0,
                t -> t[0] < 0 ? "Double it" : texts[t[0]]));
    }
}
