package intuitor.monitor;

import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * How each {@link Hazard} shows in the metrics. What is far is measured against the run's own first steps;
 * docs/monitor.md says why these signs, and why at these values.
 */
final class Detectors {

    /** A hazard as it is seen. */
    record Sign(int sound, String message) { }

    /** A single step's figure is noisy: where a detector does not have to be quick, it looks at the median of these. */
    static final int FEW = 3;
    /** Steps in which a policy that runs away goes far. */
    static final int SOME = 5;
    /** Steps to compare a mean over, where the noise of prompts that differ is as large as what is looked for. */
    static final int MANY = 10;

    private static final Map<Hazard, Function<History, Optional<Sign>>> ALL = new EnumMap<>(Map.of(
            Hazard.COLLAPSE, Detectors::collapse,
            Hazard.LENGTH_EXPLOSION, Detectors::lengthExplosion,
            Hazard.REPETITION, Detectors::repetition,
            Hazard.COPYING, Detectors::copying,
            Hazard.REWARD_HACKING, h -> disagreement(h).or(() -> wrongAnswers(h)).or(() -> wrongPreference(h))));

    private Detectors() { }

    /** What is seen of this hazard in the latest steps. */
    static Optional<Sign> seen(Hazard hazard, History history) {
        return history.ready() ? ALL.get(hazard).apply(history) : Optional.empty();
    }

    /**
     * GRPO divides advantages by the spread of a group's rewards: where self-certainty loses its spread, full-sized
     * advantages come from differences that mean less and less, and the policy runs away from the base. One that only
     * learned a format loses some spread too, but its KL divergence stays small beside the entropy it has left; and one
     * that is far away after a long training came there slowly, and still tells its completions apart. A few unlikely
     * tokens can make the estimate of one step or two large, so it has to stay high or to leap.
     */
    private static Optional<Sign> collapse(History h) {
        double spread = h.latest("monitor/certainty_group_std");
        double normalSpread = h.early("monitor/certainty_group_std");
        double kl = h.recent("kl", FEW);
        double klBefore = h.recent("kl", FEW, SOME);
        double entropy = h.latest("entropy");
        if (Double.isNaN(kl)) {
            return decoupled(h, spread, normalSpread);
        }
        boolean staysHigh = h.least("kl", FEW) > entropy / 5 && kl > 2 * klBefore;
        boolean leaps = h.rises("kl", FEW)
                && h.latest("kl") > Math.max(0.4 * entropy, 2 * h.at(h.size() - FEW, "kl"));
        boolean runsAway = spread < 0.75 * normalSpread && (staysHigh || leaps);
        boolean isAway = spread < 0.5 * normalSpread && kl > entropy;
        return sign(runsAway || isAway, h, "self-certainty differs less within groups (spread %.2f, early %.2f) and "
                + "the policy %s the base (KL %.3f, %.3f five steps before; entropy %.3f)", spread, normalSpread,
                runsAway ? "runs away from" : "is far from", runsAway ? h.latest("kl") : kl, klBefore, entropy);
    }

    /** Without a reference there is no KL divergence. Then it shows, later, in what self-certainty prefers. */
    private static Optional<Sign> decoupled(History h, double spread, double normalSpread) {
        double correlation = h.recent("monitor/certainty_agreement_correlation", FEW);
        double normal = h.early("monitor/certainty_agreement_correlation");
        return sign(spread < 0.6 * normalSpread && correlation < normal - 0.2, h, "self-certainty differs less within "
                + "groups (spread %.2f, early %.2f) and prefers less what they agree on (correlation %.2f, early %.2f)",
                spread, normalSpread, correlation, normal);
    }

    private static Optional<Sign> lengthExplosion(History h) {
        double length = h.recent("completions/mean_length", FEW);
        double normalLength = h.early("completions/mean_length");
        double clipped = h.recent("completions/clipped_ratio", FEW);
        double normalClipped = h.early("completions/clipped_ratio");
        return sign(length > 1.25 * normalLength && clipped > normalClipped + 0.2, h, "completions have %.0f tokens "
                + "(early %.0f) and %.0f%% of them do not end (early %.0f%%)", length, normalLength, 100 * clipped,
                100 * normalClipped);
    }

    private static Optional<Sign> repetition(History h) {
        double repeated = h.recent("monitor/repetition_4", FEW);
        double normal = h.early("monitor/repetition_4");
        return sign(repeated > normal + 0.25, h, "%.0f%% of a completion's 4-grams repeat earlier ones (early %.0f%%)",
                100 * repeated, 100 * normal);
    }

    private static Optional<Sign> copying(History h) {
        return copying(h, "monitor/copied_prompt", "are copied from the prompt")
                .or(() -> copying(h, "monitor/copied_elsewhere", "stand in completions to other prompts too"));
    }

    private static Optional<Sign> copying(History h, String metric, String what) {
        double copied = h.recent(metric, FEW);
        double normal = h.early(metric);
        return sign(copied > normal + 0.25, h, "%.0f%% of the tokens %s, in runs of %d and more (early %.0f%%)",
                100 * copied, what, Signals.RUN, 100 * normal);
    }

    /** The latest steps against those, as many, in which groups agreed most. */
    private static Optional<Sign> disagreement(History h) {
        OptionalInt most = mostAgreed(h);
        if (most.isEmpty()) {
            return Optional.empty();
        }
        int best = most.getAsInt();
        int now = h.size() - MANY;
        double agreement = h.mean("monitor/agreement", now, h.size());
        double bestAgreement = h.mean("monitor/agreement", best, best + MANY);
        double reward = h.mean("reward", now, h.size());
        double bestReward = h.mean("reward", best, best + MANY);
        return sign(agreement < bestAgreement - 0.1 && reward > bestReward, h.step(best + MANY - 1), "the reward has "
                + "risen from %.3g to %.3g while agreement within groups fell from %.2f to %.2f", bestReward, reward,
                bestAgreement, agreement);
    }

    /** The latest look at the labelled problems against the best one; less than two standard errors may be chance. */
    private static Optional<Sign> wrongAnswers(History h) {
        OptionalInt most = mostRight(h);
        if (most.isEmpty()) {
            return Optional.empty();
        }
        int best = most.getAsInt();
        int[] looks = h.having("monitor/probe/accuracy");
        int now = looks[looks.length - 1];
        double accuracy = h.at(now, "monitor/probe/accuracy");
        double bestAccuracy = h.at(best, "monitor/probe/accuracy");
        double error = Math.sqrt(2 * bestAccuracy * (1 - bestAccuracy) / h.at(best, "monitor/probe/completions"));
        double reward = h.at(now, "reward");
        double bestReward = h.at(best, "reward");
        boolean fell = accuracy < bestAccuracy - Math.max(0.1, 2 * error);
        return sign(fell && reward > bestReward, h.step(best), "the reward has risen from %.3g to %.3g while accuracy "
                + "on probe_data fell from %.2f to %.2f", bestReward, reward, bestAccuracy, accuracy);
    }

    /**
     * Where self-certainty is rewarded: the latest look at the labelled problems finds it prefer the right answers
     * less than the first one did. That comes before there are fewer of them.
     */
    private static Optional<Sign> wrongPreference(History h) {
        int[] looks = h.having("monitor/probe/auroc");
        if (looks.length == 0 || !h.rewardsSelfCertainty()) {
            return Optional.empty();
        }
        double first = h.at(looks[0], "monitor/probe/auroc");
        int now = looks[looks.length - 1];
        double auroc = h.at(now, "monitor/probe/auroc");
        double right = h.at(now, "monitor/probe/accuracy") * h.at(now, "monitor/probe/completions");
        double wrong = h.at(now, "monitor/probe/completions") - right;
        boolean fell = auroc < first - Math.max(0.1, 2 * Association.aurocError(auroc, right, wrong));
        return sign(fell, h.step(mostRight(h).orElse(now)), "self-certainty, which is rewarded, prefers right answers "
                + "to probe_data less (AUROC %.2f, at first %.2f)", auroc, first);
    }

    /** Index of the first of the {@link #MANY} steps in which groups agreed most; none where there are not as many. */
    static OptionalInt mostAgreed(History h) {
        return first(IntStream.rangeClosed(0, h.size() - MANY), i -> h.mean("monitor/agreement", i, i + MANY));
    }

    /** Index of the step with the best look at the labelled problems. */
    static OptionalInt mostRight(History h) {
        return first(IntStream.of(h.having("monitor/probe/accuracy")), i -> h.at(i, "monitor/probe/accuracy"));
    }

    /** The first of those of which the figure is greatest. */
    private static OptionalInt first(IntStream indices, IntToDoubleFunction figure) {
        return indices.reduce((a, b) -> figure.applyAsDouble(b) > figure.applyAsDouble(a) ? b : a);
    }

    private static Optional<Sign> sign(boolean seen, History h, String message, Object... figures) {
        return sign(seen, h.step(Math.max(0, h.size() - 1 - FEW)), message, figures);
    }

    private static Optional<Sign> sign(boolean seen, int sound, String message, Object... figures) {
        return seen ? Optional.of(new Sign(sound, text(message, figures))) : Optional.empty();
    }

    private static String text(String message, Object... figures) {
        return String.format(Locale.ROOT, message, figures);
    }
}
