package intuitor.train;

import intuitor.reward.SelfCertainty;
import intuitor.rollout.Completion;

/**
 * A completion of a held-out problem, judged.
 *
 * @param right         whether its final answer is
 * @param tokens        its length
 * @param stopped       whether it came to an end by itself
 * @param selfCertainty mean of its tokens', in nats
 * @param entropy       mean of its tokens', in nats
 */
public record JudgedCompletion(boolean right, int tokens, boolean stopped, double selfCertainty, double entropy) {

    static JudgedCompletion of(Completion completion, boolean right) {
        double entropy = 0;
        for (float h : completion.entropy()) {
            entropy += h;
        }
        return new JudgedCompletion(right, completion.length(), completion.stopped(), SelfCertainty.of(completion),
                entropy / completion.length());
    }
}
