package intuitor.experiment.report;

import intuitor.experiment.Evaluations;
import intuitor.train.JudgedCompletion;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/**
 * The finished runs of an arm; or the base, which has evaluations only.
 *
 * @param name        as tables and pictures call it
 * @param runs        trained runs; none for the base
 * @param evaluations by seed
 */
record ArmData(String name, List<RunData> runs, SortedMap<Long, Evaluations> evaluations) {

    static ArmData of(String name, List<RunData> runs) {
        SortedMap<Long, Evaluations> evaluations = new TreeMap<>();
        runs.forEach(run -> evaluations.put(run.seed(), run.evaluations()));
        return new ArmData(name, runs, evaluations);
    }

    /** Share of right completions over the seeds. */
    Estimate accuracy(String task, Mode mode) {
        return Estimate.of(evaluations.values().stream().map(e -> accuracy(e, task, mode)).toList());
    }

    /** Accuracy less another arm's, or the base's, with the same seed; seeds that both have. */
    Estimate gain(ArmData other, String task, Mode mode) {
        List<Double> gains = new ArrayList<>();
        evaluations.forEach((seed, e) -> {
            if (other.evaluations().containsKey(seed)) {
                gains.add(accuracy(e, task, mode) - accuracy(other.evaluations().get(seed), task, mode));
            }
        });
        return Estimate.of(gains);
    }

    private static double accuracy(Evaluations evaluations, String task, Mode mode) {
        return mean(mode.of(evaluations.tasks().get(task)), c -> c.right() ? 1 : 0);
    }

    /** Of a measure of the sampled completions of a task, by seed; seeds without a value are left out. */
    Estimate measured(String task, ToDoubleFunction<List<JudgedCompletion>> measure) {
        return Estimate.of(evaluations.values().stream()
                .map(e -> measure.applyAsDouble(e.tasks().get(task).sampled())).filter(Double::isFinite).toList());
    }

    /** The sampled completions of a task, of all seeds. */
    List<JudgedCompletion> sampled(String task) {
        return evaluations.values().stream().flatMap(e -> e.tasks().get(task).sampled().stream()).toList();
    }

    /** Of a metric over the last tenth of the steps. */
    Estimate atTheEnd(String metric) {
        return Estimate.of(runs.stream().map(run -> run.atTheEnd(metric)).filter(Double::isFinite).toList());
    }

    /** Of a metric at each step that all runs have it at; empty where they do not have it. */
    SortedMap<Integer, Estimate> curve(String metric) {
        SortedMap<Integer, Estimate> curve = new TreeMap<>();
        List<SortedMap<Integer, Double>> values = new ArrayList<>();
        runs.forEach(run -> values.add(run.metrics().getOrDefault(metric, Collections.emptySortedMap())));
        if (!values.isEmpty()) {
            values.getFirst().keySet().stream().filter(step -> values.stream().allMatch(v -> v.containsKey(step)))
                    .forEach(step -> curve.put(step, Estimate.of(values.stream().map(v -> v.get(step)).toList())));
        }
        return curve;
    }

    static double mean(List<JudgedCompletion> completions, ToDoubleFunction<JudgedCompletion> value) {
        return completions.stream().mapToDouble(value).average().orElse(Double.NaN);
    }
}
