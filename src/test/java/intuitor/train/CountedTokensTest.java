package intuitor.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.rollout.TokenListener;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who counts tokens changes nothing of what the other listener hears and decides. */
class CountedTokensTest {

    @Test
    void theOtherListenerHearsAndDecides() {
        List<String> heard = new ArrayList<>();
        TokenListener listener = new TokenListener() {
            @Override
            public void token(int prompt, int index, int token) {
                heard.add("token " + prompt + " " + index + " " + token);
            }

            @Override
            public int maxDelay() {
                return 3;
            }

            @Override
            public boolean ends(int prompt, int index) {
                return prompt == 1 && index == 2;
            }
        };
        TokenListener counted = new CountedTokens(listener, (phase, done, of) -> heard.add(phase + " " + done + "/"
                + of), 9);
        counted.token(1, 2, 30);
        counted.token(0, 1, 40);
        assertEquals(List.of("token 1 2 30", "GENERATING 1/9", "token 0 1 40", "GENERATING 2/9"), heard);
        assertEquals(3, counted.maxDelay());
        assertTrue(counted.ends(1, 2));
        assertFalse(counted.ends(2, 1));
    }
}
