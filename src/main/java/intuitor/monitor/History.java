package intuitor.monitor;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The metrics of a run, step after step, up to its latest. The run's first steps say what is normal for it. A metric
 * that a step does not have is NaN.
 */
final class History {

    /** Steps that say what is normal. */
    static final int EARLY = 5;

    private final List<Map<String, ?>> early = new ArrayList<>();
    private final List<Map<String, ?>> steps = new ArrayList<>();
    private final Map<String, Double> normal = new HashMap<>();
    private final boolean rewardsSelfCertainty;

    History(boolean rewardsSelfCertainty) {
        this.rewardsSelfCertainty = rewardsSelfCertainty;
    }

    /** Whether the run is rewarded for self-certainty. */
    boolean rewardsSelfCertainty() {
        return rewardsSelfCertainty;
    }

    void add(Map<String, ?> metrics) {
        if (early.size() < EARLY) {
            early.add(metrics);
        }
        steps.add(metrics);
    }

    /** Forgets the steps after this one: the policy is again what it was then. What is normal stays. */
    void rewind(int step) {
        steps.removeIf(m -> value(m, "step") > step);
    }

    /** Whether it is known what is normal, and there are later steps to compare with it. */
    boolean ready() {
        return early.size() == EARLY && !steps.isEmpty() && step(size() - 1) > value(early.getLast(), "step");
    }

    int size() {
        return steps.size();
    }

    /** Number in the run of the step at this index. */
    int step(int index) {
        return (int) at(index, "step");
    }

    double at(int index, String name) {
        return value(steps.get(index), name);
    }

    double latest(String name) {
        return at(size() - 1, name);
    }

    /** What is normal: the median over the first steps of the run. */
    double early(String name) {
        return normal.computeIfAbsent(name, n -> median(early, n));
    }

    /** Median over the latest {@code count} steps. */
    double recent(String name, int count) {
        return recent(name, count, 0);
    }

    /** Median over {@code count} steps as they were the latest {@code ago} steps ago; NaN before the first step. */
    double recent(String name, int count, int ago) {
        int end = Math.max(0, size() - ago);
        return median(steps.subList(Math.max(0, end - count), end), name);
    }

    /** The least over the latest {@code count} steps; NaN where there are fewer, or one of them does not have it. */
    double least(String name, int count) {
        return size() < count ? Double.NaN : steps.subList(size() - count, size()).stream()
                .mapToDouble(m -> value(m, name)).reduce(Double.POSITIVE_INFINITY, Math::min);
    }

    /** Whether each of the latest {@code count} steps has more than the one before it. */
    boolean rises(String name, int count) {
        return size() >= count
                && IntStream.range(size() - count + 1, size()).allMatch(i -> at(i, name) > at(i - 1, name));
    }

    /** Mean over the steps at the indices [from, to). */
    double mean(String name, int from, int to) {
        return steps.subList(from, to).stream().mapToDouble(m -> value(m, name)).average().orElse(Double.NaN);
    }

    /** Indices of the steps that have this metric. */
    int[] having(String name) {
        return IntStream.range(0, size()).filter(i -> !Double.isNaN(at(i, name))).toArray();
    }

    private static double value(Map<String, ?> metrics, String name) {
        // the log has null for what is not finite, and a run that resumes must see what it saw before
        return metrics.get(name) instanceof Number n && Double.isFinite(n.doubleValue()) ? n.doubleValue() : Double.NaN;
    }

    /** The middle one, or the mean of the two in the middle; steps without the metric do not count. */
    private static double median(List<Map<String, ?>> steps, String name) {
        double[] sorted = steps.stream().mapToDouble(m -> value(m, name)).filter(v -> !Double.isNaN(v)).sorted()
                .toArray();
        int n = sorted.length;
        return n == 0 ? Double.NaN : (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
    }
}
