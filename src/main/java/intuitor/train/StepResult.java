package intuitor.train;

import intuitor.monitor.Statistics;
import intuitor.reward.Scores;
import intuitor.reward.SelfCertainty;
import intuitor.rollout.Completion;
import intuitor.rollout.Group;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * What happened in a step.
 *
 * @param step         number of the step, from 1
 * @param epoch        passes over the prompts so far
 * @param groups       prompts and completions
 * @param scores       what each reward gave
 * @param advantages   [group][completion]
 * @param updates      num_iterations of them
 * @param numTokens    tokens of prompts and completions so far
 * @param seconds      by part of the step
 */
record StepResult(int step, double epoch, List<Group> groups, Scores scores, Advantages advantages,
                  List<PolicyUpdate> updates, long numTokens, Map<String, Double> seconds) {

    /** All completions, group after group. */
    List<Completion> completions() {
        return groups.stream().flatMap(g -> g.completions().stream()).toList();
    }

    /** The weighted sum of the rewards [group][completion]. */
    double[][] rewards() {
        return scores.total();
    }

    double totalSeconds() {
        return seconds.values().stream().mapToDouble(Double::doubleValue).sum();
    }

    int completionTokens() {
        return completions().stream().mapToInt(Completion::length).sum();
    }

    /** A line of {@code metrics.jsonl}, under TRL's names where TRL has one. */
    Map<String, Object> metrics() {
        List<Completion> completions = completions();
        double[] lengths = completions.stream().mapToDouble(Completion::length).toArray();
        double[] certainty = completions.stream().mapToDouble(SelfCertainty::of).toArray();
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("step", step);
        m.put("epoch", epoch);
        m.put("num_tokens", numTokens);
        m.put("loss", mean(u -> u.objective().loss()));
        m.put("grad_norm", mean(PolicyUpdate::gradientNorm));
        m.put("learning_rate", updates.getLast().learningRate());
        putRewards(m);
        m.put("frac_reward_zero_std", advantages.fractionZeroStd());
        m.put("self_certainty/mean", Statistics.mean(certainty));
        m.put("self_certainty/std", Statistics.std(certainty));
        m.put("self_certainty/min", Statistics.min(certainty));
        m.put("self_certainty/max", Statistics.max(certainty));
        if (first().hasReference()) {
            m.put("kl", mean(u -> u.objective().kl()));
        }
        m.put("entropy", tokenMean(completions));
        m.put("completions/mean_length", Statistics.mean(lengths));
        m.put("completions/min_length", Statistics.min(lengths));
        m.put("completions/max_length", Statistics.max(lengths));
        m.put("completions/clipped_ratio",
                Statistics.mean(completions.stream().mapToDouble(c -> c.stopped() ? 0 : 1).toArray()));
        putClipping(m);
        putSamplingDifference(m, completions);
        m.put("step_time", totalSeconds());
        seconds.forEach((part, s) -> m.put("time/" + part, s));
        m.put("tokens_per_second", completionTokens() / totalSeconds());
        return m;
    }

    /** The loss of the first update, where the policy is the one that drew the completions. */
    GrpoObjective first() {
        return updates.getFirst().objective();
    }

    private double mean(ToDoubleFunction<PolicyUpdate> of) {
        return Statistics.mean(updates.stream().mapToDouble(of).toArray());
    }

    /** In the first update the ratio is exactly 1: with one update a rollout nothing is ever clipped. */
    private void putClipping(Map<String, Object> m) {
        double low = mean(u -> u.objective().clippedLow());
        double high = mean(u -> u.objective().clippedHigh());
        if (first().isCispo()) {
            m.put("cispo_clip_ratio", high);
        } else {
            m.put("clip_ratio/low_mean", low);
            m.put("clip_ratio/high_mean", high);
            m.put("clip_ratio/region_mean", low + high);
        }
    }

    /** Each reward over the completions that it judged, and their weighted sum, with its deviation within groups. */
    private void putRewards(Map<String, Object> m) {
        double[][] total = rewards();
        m.put("reward", Statistics.mean(Arrays.stream(total).flatMapToDouble(Arrays::stream).toArray()));
        m.put("reward_std", Statistics.mean(Arrays.stream(total).mapToDouble(Statistics::std).toArray()));
        for (int k = 0; k < scores.names().size(); k++) {
            double[] judged = Statistics.finite(Arrays.stream(scores.values()[k]).flatMapToDouble(Arrays::stream));
            m.put("rewards/" + scores.names().get(k) + "/mean", Statistics.mean(judged));
            m.put("rewards/" + scores.names().get(k) + "/std", Statistics.std(judged));
        }
    }

    /**
     * |logp of the sampler - logp of the trainer|, and the ratio of the probabilities, the trainer's over the
     * sampler's: 0 and 1 where both have the same bits (batch_invariant, on the CPU). Where the sampler's matrices are
     * bf16, they say how far off the policy training is.
     */
    private void putSamplingDifference(Map<String, Object> m, List<Completion> completions) {
        double[] difference = new double[first().logprobs().length];
        double[] ratio = new double[difference.length];
        int token = 0;
        for (Completion c : completions) {
            for (float logprob : c.logprobs()) {
                difference[token] = Math.abs(logprob - first().logprobs()[token]);
                ratio[token] = Math.exp((double) first().logprobs()[token] - logprob);
                token++;
            }
        }
        m.put("sampling/sampling_logp_difference/mean", Statistics.mean(difference));
        m.put("sampling/sampling_logp_difference/max", Statistics.max(difference));
        m.put("sampling/importance_sampling_ratio/min", Statistics.min(ratio));
        m.put("sampling/importance_sampling_ratio/mean", Statistics.mean(ratio));
        m.put("sampling/importance_sampling_ratio/max", Statistics.max(ratio));
    }

    private static double tokenMean(List<Completion> completions) {
        double sum = 0;
        int tokens = 0;
        for (Completion c : completions) {
            for (float entropy : c.entropy()) {
                sum += entropy;
            }
            tokens += c.length();
        }
        return sum / tokens;
    }
}
