package intuitor.eval.run;

import intuitor.UserError;
import intuitor.eval.task.Problem;
import intuitor.eval.task.Protocol;
import intuitor.text.PromptEncoder;
import java.util.Arrays;

/**
 * Fits prompts into a model: completions get what the protocol and the user allow, but no more than half of the model's
 * positions; a prompt gets the rest. One that is longer loses examples first, then its beginning.
 */
final class Prompting {

    private final PromptEncoder encoder;
    private final int maxNewTokens;
    private final int maxPrompt;

    /**
     * A prompt as the model gets it.
     *
     * @param shots examples in it
     * @param cut   whether its beginning is missing
     */
    record Encoded(int[] tokens, int shots, boolean cut) { }

    Prompting(Protocol protocol, EvaluatedModel model, Drawing drawing) {
        int positions = model.config().maxPositions();
        this.encoder = protocol.chat() ? model.chat() : model.plain();
        this.maxNewTokens = Math.min(Math.min(protocol.maxNewTokens(), drawing.maxNewTokens()),
                Math.max(1, positions / 2));
        this.maxPrompt = positions - maxNewTokens;
    }

    PromptEncoder encoder() {
        return encoder;
    }

    int maxNewTokens() {
        return maxNewTokens;
    }

    Encoded encode(Problem problem) {
        int[] tokens = {};
        for (int shots = problem.shots(); shots >= 0; shots--) {
            tokens = encoder.encode(problem.prompt().apply(shots));
            if (tokens.length == 0) {
                throw new UserError("problem " + problem.id() + " has an empty prompt");
            }
            if (tokens.length <= maxPrompt) {
                return new Encoded(tokens, shots, false);
            }
        }
        return new Encoded(Arrays.copyOfRange(tokens, tokens.length - maxPrompt, tokens.length), 0, true);
    }
}
