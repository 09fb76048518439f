package intuitor.train;

import intuitor.device.Arena;
import intuitor.device.Tensor;
import intuitor.model.LmHead;
import intuitor.model.PackedBatch;
import intuitor.model.PackedWeights;
import intuitor.model.TokenStats;
import intuitor.model.Transformer;
import intuitor.rollout.Completion;
import intuitor.rollout.Group;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What a model says about the tokens of given completions: a forward pass, and nothing kept. */
final class Scorer {

    private final Transformer model;
    private final LmHead head;
    private final Arena scratch;
    private final int tokenBudget;
    private final double temperature;
    private final double certaintyTemperature;
    private final boolean batchInvariant;

    /**
     * @param scratch memory used during a call
     * @param config  tokens computed at once, temperatures, the way of the LM head, and whether to compute the bits
     *                that sampling does ({@link GrpoConfig#batchInvariant})
     */
    Scorer(Arena scratch, Transformer model, GrpoConfig config) {
        this.model = model;
        this.head = new LmHead(scratch.device(), model.weights(), config.lmHead());
        this.scratch = scratch;
        this.tokenBudget = config.tokensAtOnce();
        this.temperature = config.temperature();
        this.certaintyTemperature = config.certaintyTemperature();
        this.batchInvariant = config.batchInvariant();
    }

    /** Log-probabilities of all completion tokens, completion after completion. */
    float[] logprobs(List<Group> groups, PartListener parts) {
        return score(groups, false, parts).logprob();
    }

    /** The groups with this model's self-certainty in place of the sampler's. */
    List<Group> certainty(List<Group> groups, PartListener parts) {
        return withCertainty(groups, score(groups, true, parts).selfCertainty(), 0);
    }

    /**
     * The groups with self-certainty one position late: token t is scored by the distribution after it, not by the one
     * it was drawn from. This is what {@code logits[:, -C:]} did in Intuitor's first published code.
     */
    List<Group> lateCertainty(List<Group> groups, PartListener parts) {
        // one more token at the end gives the last real one a distribution after it; which token, does not matter
        List<Group> longer = groups.stream().map(g -> new Group(g.prompt(), g.completions().stream()
                .map(c -> new Completion(c.prompt(), c.index(), Arrays.copyOf(c.tokens(), c.length() + 1), null, null,
                        null, c.stopped())).toList())).toList();
        return withCertainty(groups, score(longer, true, parts).selfCertainty(), 1);
    }

    /** @param late values of each completion to skip before its own */
    private static List<Group> withCertainty(List<Group> groups, float[] values, int late) {
        List<Group> rescored = new ArrayList<>();
        int next = 0;
        for (Group group : groups) {
            List<Completion> completions = new ArrayList<>();
            for (Completion c : group.completions()) {
                next += late;
                completions.add(c.withSelfCertainty(Arrays.copyOfRange(values, next, next + c.length())));
                next += c.length();
            }
            rescored.add(new Group(group.prompt(), completions));
        }
        return rescored;
    }

    private TokenStats score(List<Group> groups, boolean certainty, PartListener parts) {
        int tokens = groups.stream().flatMap(g -> g.completions().stream()).mapToInt(Completion::length).sum();
        try (Arena call = scratch.scope("score")) {
            return score(groups, tokens, certainty, batchInvariant ? model.weights().packed(call) : null, parts, call);
        }
    }

    private TokenStats score(List<Group> groups, int tokens, boolean certainty, PackedWeights packed,
                             PartListener parts, Arena call) {
        TokenStats all = new TokenStats(new float[tokens], null, certainty ? new float[tokens] : null);
        List<MicroBatch> split = MicroBatch.split(groups, tokenBudget, scratch.device().attention().sharesPrefixes());
        for (int i = 0; i < split.size(); i++) {
            parts.before(i, split.size());
            MicroBatch part = split.get(i);
            PackedBatch batch = part.batch();
            TokenStats stats = new TokenStats(new float[batch.scored()], null,
                    certainty ? new float[batch.scored()] : null);
            try (Arena scope = call.scope("micro-batch")) {
                Tensor hidden = model.forward(batch, packed, scope);
                head.score(hidden, batch.scoredRows(), batch.targets(), temperature, certaintyTemperature, packed,
                        stats, scope);
            }
            System.arraycopy(stats.logprob(), 0, all.logprob(), part.firstToken(), batch.scored());
            if (certainty) {
                System.arraycopy(stats.selfCertainty(), 0, all.selfCertainty(), part.firstToken(), batch.scored());
            }
        }
        return all;
    }
}
