package intuitor.monitor;

import intuitor.reward.AnswerClusters;
import intuitor.reward.AnswerExtraction;
import intuitor.reward.SelfCertainty;
import intuitor.rollout.Completion;
import intuitor.rollout.Group;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * What the completions of one step show beside the metrics that every GRPO user knows. All are of the policy that drew
 * them, before the step's update.
 *
 * @param answered       part of the completions in which a final answer is found
 * @param agreement      mean over the groups of the share of their most frequent answer
 * @param certaintyStd   mean over the groups of the standard deviation of their completions' self-certainty, in nats
 * @param certaintyAgreement correlation within groups of a completion's self-certainty with the share of its answer;
 *                           NaN where either has no spread
 * @param distinct       distinct-4 over all completions
 * @param repetition     seq-rep-4, mean over the completions
 * @param copiedPrompt   part of the tokens that lie in a run of {@link #RUN} tokens which stands in their own prompt as
 *                       well
 * @param copiedElsewhere the same with the completions to the other prompts of the step
 */
public record Signals(double answered, double agreement, double certaintyStd, double certaintyAgreement,
                      double distinct, double repetition, double copiedPrompt, double copiedElsewhere) {

    /** Shorter runs than this are turns of phrase. */
    static final int RUN = 16;

    private static final int N = 4;

    /**
     * @param decode     from tokens to text
     * @param extraction the final answer in a completion
     */
    public static Signals of(List<Group> groups, Function<int[], String> decode, AnswerExtraction extraction) {
        double[][] certainty = new double[groups.size()][];
        double[][] shares = new double[groups.size()][];
        double agreement = 0;
        int answered = 0;
        double spread = 0;
        List<List<int[]>> tokens = new ArrayList<>();
        for (int g = 0; g < shares.length; g++) {
            List<Completion> completions = groups.get(g).completions();
            AnswerClusters answers = AnswerClusters.of(
                    completions.stream().map(c -> decode.apply(c.tokens())).toList(), extraction);
            shares[g] = IntStream.range(0, completions.size())
                    .mapToDouble(i -> (double) answers.size(i) / completions.size()).toArray();
            agreement += Arrays.stream(shares[g]).max().orElse(0) / shares.length;
            answered += (int) Arrays.stream(shares[g]).filter(s -> s > 0).count();
            certainty[g] = completions.stream().mapToDouble(SelfCertainty::of).toArray();
            spread += Statistics.std(certainty[g]) / shares.length;
            tokens.add(completions.stream().map(Completion::tokens).toList());
        }
        List<int[]> all = tokens.stream().flatMap(List::stream).toList();
        List<int[]> prompts = groups.stream().flatMap(g -> g.completions().stream().map(c -> g.prompt())).toList();
        return new Signals((double) answered / all.size(), agreement, spread,
                Association.withinGroups(certainty, shares), NGrams.distinct(all, N), NGrams.repetition(all, N),
                NGrams.copied(all, prompts, RUN), NGrams.shared(tokens, RUN));
    }

    /** Under the names of {@code metrics.jsonl}. */
    public Map<String, Object> metrics() {
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("monitor/answered", answered);
        m.put("monitor/agreement", agreement);
        m.put("monitor/certainty_group_std", certaintyStd);
        m.put("monitor/certainty_agreement_correlation", certaintyAgreement);
        m.put("monitor/distinct_4", distinct);
        m.put("monitor/repetition_4", repetition);
        m.put("monitor/copied_prompt", copiedPrompt);
        m.put("monitor/copied_elsewhere", copiedElsewhere);
        return m;
    }
}
