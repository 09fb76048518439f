package intuitor.reward;

import intuitor.rollout.Completion;
import intuitor.rollout.Group;
import java.util.List;
import java.util.function.Function;

/** What a reward may know of a prompt and its completions. Texts are decoded when they are first asked for. */
public final class RewardContext {

    private final Group group;
    private final String answer;
    private final long seed;
    private final long step;
    private final Function<int[], String> decoder;
    private List<String> texts;

    /**
     * @param group   a prompt and its completions, in tokens, with what the model said about each token
     * @param answer  the prompt's reference answer as the data has it; null where no chosen reward needs answers
     * @param seed    of the run
     * @param step    of the run, from 0
     * @param decoder from tokens to text, without special tokens
     */
    public RewardContext(Group group, String answer, long seed, long step, Function<int[], String> decoder) {
        this.group = group;
        this.answer = answer;
        this.seed = seed;
        this.step = step;
        this.decoder = decoder;
    }

    /** G completions: their tokens, and log-probability, entropy and self-certainty of each token. */
    public List<Completion> completions() {
        return group.completions();
    }

    /** The completions' texts, without special tokens. */
    public List<String> texts() {
        if (texts == null) {
            texts = completions().stream().map(c -> decoder.apply(c.tokens())).toList();
        }
        return texts;
    }

    /** The prompt's text as the model saw it, without special tokens. */
    public String prompt() {
        return decoder.apply(group.prompt());
    }

    /** The reference answer as the data has it; null unless a chosen reward {@link Reward#needsAnswers needs} it. */
    public String answer() {
        return answer;
    }

    /** Of the run. */
    public long seed() {
        return seed;
    }

    /** Of the run, from 0. */
    public long step() {
        return step;
    }
}
