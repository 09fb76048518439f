package intuitor.train;

import intuitor.rollout.Completion;
import intuitor.rollout.Group;
import java.util.ArrayList;
import java.util.List;

/** Groups made by hand. */
final class Groups {

    private Groups() { }

    /** A prompt and completions of these lengths; token t of completion i is 10 i + t. */
    static Group of(int[] prompt, int... lengths) {
        List<Completion> completions = new ArrayList<>();
        for (int i = 0; i < lengths.length; i++) {
            int[] tokens = new int[lengths[i]];
            for (int t = 0; t < tokens.length; t++) {
                tokens[t] = 10 * i + t;
            }
            completions.add(new Completion(0, i, tokens, new float[lengths[i]], new float[lengths[i]],
                    new float[lengths[i]], true));
        }
        return new Group(prompt, completions);
    }
}
