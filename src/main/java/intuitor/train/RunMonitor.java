package intuitor.train;

import intuitor.checkpoint.RunFolder;
import intuitor.monitor.Alarm;
import intuitor.monitor.Hazard;
import intuitor.monitor.Monitor;
import intuitor.monitor.Probe;
import intuitor.monitor.Signals;
import intuitor.rollout.Rollout;
import intuitor.train.GrpoConfig.OnHacking;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The monitor's part in a run: measures every step, has it judged, and decides what follows. What it knows is a
 * function of the lines of {@code metrics.jsonl}, so a run that resumes {@linkplain #replay reads} it there.
 */
final class RunMonitor {

    /**
     * What a return to an earlier policy does to the learning rate: with the same one it would go the same way again.
     */
    private static final double LEARNING_RATE_FACTOR = 0.5;
    private static final double BETA_FACTOR = 10;

    private static final String EVENTS = "monitor/events";
    private static final String ROLLBACK = "monitor/rollback_to";
    private static final String BETA = "monitor/beta";

    /** What follows from a step: the alarms, and the step whose policy is to be returned to, 0 being the base. */
    record Decision(List<Alarm> alarms, OptionalInt returnTo) { }

    private final GrpoConfig config;
    private final Function<int[], String> text;
    private final Rollout rollout;
    private final Probe probe;
    private final Monitor monitor;
    private double learningRateFactor = 1;
    private double betaFactor = 1;

    private RunMonitor(GrpoConfig config, Function<int[], String> text, Rollout rollout, Probe probe) {
        this.config = config;
        this.text = text;
        this.rollout = rollout;
        this.probe = probe;
        this.monitor = new Monitor(config.rewardsSelfCertainty());
    }

    static RunMonitor of(GrpoConfig config, Prompts prompts, Rollout rollout) {
        return new RunMonitor(config, prompts::text, rollout,
                config.probeData() == null ? null : prompts.probe(config));
    }

    /**
     * Metrics of the policy on the labelled problems, before this step (from 1) changes it; none where no look is due.
     */
    Map<String, Object> probe(int step, BooleanSupplier stop) {
        if (probe == null || (step - 1) % config.probeSteps() != 0) {
            return Map.of();
        }
        Timings time = new Timings();
        Map<String, Object> metrics = new HashMap<>(probe.run(rollout, stop).metrics());
        time.lap("probe");
        time.seconds().forEach((part, seconds) -> metrics.put("time/" + part, seconds));
        return metrics;
    }

    /** Metrics of the completions of a step. */
    Map<String, Object> signals(StepResult result) {
        return Signals.of(result.groups(), text, config.answerExtraction()).metrics();
    }

    /** What follows from a step; what of it a resumed run must know is added to its metrics. */
    Decision decide(Map<String, Object> metrics, RunFolder folder) {
        if (config.onHacking() == OnHacking.RAISE_BETA) {
            metrics.put(BETA, config.beta() * betaFactor);
        }
        List<Alarm> alarms = monitor.observe(metrics);
        metrics.put("monitor/length_drift", monitor.lengthDrift());
        if (alarms.isEmpty()) {
            return new Decision(alarms, OptionalInt.empty());
        }
        metrics.put(EVENTS, alarms.stream().map(RunMonitor::event).toList());
        OptionalInt returnTo = OptionalInt.empty();
        if (config.onHacking() == OnHacking.ROLLBACK) {
            int sound = alarms.stream().mapToInt(Alarm::sound).min().orElseThrow();
            returnTo = OptionalInt.of(soundCheckpoint(folder, sound));
            metrics.put(ROLLBACK, returnTo.getAsInt());
        }
        follow(returnTo);
        return new Decision(alarms, returnTo);
    }

    private static Map<String, String> event(Alarm alarm) {
        Map<String, String> event = new LinkedHashMap<>();
        event.put("hazard", alarm.hazard().id());
        event.put("message", alarm.message());
        return event;
    }

    /** Takes up the knowledge of a run from its log. */
    void replay(List<Map<String, Object>> log) {
        for (Map<String, Object> metrics : log) {
            if (!monitor.observe(metrics).isEmpty()) {
                follow(metrics.get(ROLLBACK) instanceof Integer step ? OptionalInt.of(step) : OptionalInt.empty());
            }
        }
    }

    private void follow(OptionalInt returnTo) {
        returnTo.ifPresent(monitor::rewind);
        switch (config.onHacking()) {
            case ROLLBACK -> learningRateFactor *= LEARNING_RATE_FACTOR;
            case RAISE_BETA -> betaFactor *= BETA_FACTOR;
            case WARN, STOP -> { }
        }
    }

    double learningRateFactor() {
        return learningRateFactor;
    }

    double betaFactor() {
        return betaFactor;
    }

    /** Hazards that are seen now, for the progress line; empty where all is well. */
    String active() {
        return monitor.active().stream().map(Hazard::id).collect(Collectors.joining(", "));
    }

    /**
     * The best point to return to without labels: the newest checkpoint whose policy was sampled before the evidence
     * begins; 0, the base, where there is none. Only checkpoints of the schedule count: one that a stop left is not
     * there in a run that was never stopped.
     *
     * @param sound the step whose completions are still in order: its policy is that of the step before
     */
    private int soundCheckpoint(RunFolder folder, int sound) {
        return folder.checkpointSteps().stream().filter(step -> step % config.saveSteps() == 0 && step < sound)
                .mapToInt(step -> step).max().orElse(0);
    }

    /** Whether an alarm after the latest step could still return to the checkpoint of this one. */
    boolean mayReturnTo(int step, RunFolder folder) {
        if (config.onHacking() != OnHacking.ROLLBACK) {
            return false;
        }
        return step >= soundCheckpoint(folder, monitor.evidenceFrom())
                || monitor.bestSteps().stream().anyMatch(sound -> step == soundCheckpoint(folder, sound));
    }
}
