package intuitor.reward;

import intuitor.recipe.Spelling;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/** Rewards by name: those that come along, and classes of the user's own by their full name. */
final class RewardFactory {

    private static final Map<String, Function<RewardSettings, Reward>> KNOWN = new LinkedHashMap<>();

    static {
        KNOWN.put("self_certainty", s -> new SelfCertainty());
        KNOWN.put("accuracy", s -> new Accuracy(s.extraction()));
        KNOWN.put("plurality_vote", s -> new PluralityVote(s.extraction()));
        KNOWN.put("entropy", s -> TokenReward.ENTROPY);
        KNOWN.put("token_entropy", s -> TokenReward.TOKEN_ENTROPY);
        KNOWN.put("sequence_logprob", s -> TokenReward.SEQUENCE_LOGPROB);
        KNOWN.put("mean_logprob", s -> TokenReward.MEAN_LOGPROB);
        KNOWN.put("semantic_entropy",
                s -> new SemanticEntropy(s.extraction(), s.semanticEntropyLow(), s.semanticEntropyHigh()));
        KNOWN.put("format", s -> new FormatMatch(s.formatPattern()));
        KNOWN.put("length", s -> new Brevity(s.extraction()));
        KNOWN.put("repetition_penalty", s -> new RepetitionPenalty(s.repetitionNGrams(), s.repetitionPenalty()));
        KNOWN.put("code", s -> new CodeTests());
        KNOWN.put("random", s -> new CoinToss());
    }

    private RewardFactory() { }

    /** @throws IllegalArgumentException with one line that says what is wrong with the name */
    static Reward make(String name, RewardSettings settings) {
        if (KNOWN.containsKey(name)) {
            return KNOWN.get(name).apply(settings);
        }
        if (name.indexOf('.') < 0) {
            throw new IllegalArgumentException("no reward '" + name + "'" + Spelling.hint(name, KNOWN.keySet())
                    + " (there are " + String.join(", ", KNOWN.keySet())
                    + ", and classes of your own by their full names)");
        }
        return new UserClasses(System.getenv(UserClasses.VARIABLE)).make(name);
    }

    /** The name in the metrics: a class's own without its package, as TRL uses a function's. */
    static String shortName(String name) {
        return name.substring(name.lastIndexOf('.') + 1);
    }
}
