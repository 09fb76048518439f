package intuitor.rollout;

import intuitor.UserError;
import intuitor.model.ModelConfig;
import intuitor.text.PromptEncoder;
import intuitor.text.Tokenizer;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** The tokens that end a completion. */
public final class StopTokens {

    private StopTokens() { }

    /**
     * The model's end tokens, the tokenizer's, the one that ends a turn of the chat template if one is used, and more.
     *
     * @param more tokens by their names in the vocabulary
     */
    public static Set<Integer> of(ModelConfig model, Tokenizer tokenizer, PromptEncoder encoder, List<String> more) {
        Set<Integer> stop = new TreeSet<>(model.eosTokenIds());
        if (tokenizer.eosId() != null) {
            stop.add(tokenizer.eosId());
        }
        encoder.endOfTurn().ifPresent(stop::add);
        for (String token : more) {
            Integer id = tokenizer.tokenId(token);
            if (id == null) {
                throw new UserError("stop token: the tokenizer has no token '" + token + "'");
            }
            stop.add(id);
        }
        return stop;
    }
}
