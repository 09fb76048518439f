package intuitor.monitor;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Names what goes wrong in a run, from its metrics alone: the same metrics give the same alarms, so a run that resumes
 * reads its own log and knows what it knew. A hazard is reported when it is first seen, and again only after it has not
 * been seen for {@link #QUIET} steps.
 */
public final class Monitor {

    /** Steps without a sign that end an episode. */
    static final int QUIET = 10;

    private static final String LENGTH = "completions/mean_length";

    private final History history;
    /** The step in which each hazard of an unfinished episode was last seen. */
    private final Map<Hazard, Integer> episodes = new EnumMap<>(Hazard.class);
    private int firstSound; // the step after the one that was returned to

    /** @param rewardsSelfCertainty whether the run is rewarded for self-certainty, with a weight above 0 */
    public Monitor(boolean rewardsSelfCertainty) {
        history = new History(rewardsSelfCertainty);
    }

    /**
     * The episodes that begin with this step.
     *
     * @param metrics of the step, as in {@code metrics.jsonl}
     */
    public List<Alarm> observe(Map<String, ?> metrics) {
        history.add(metrics);
        int step = history.step(history.size() - 1);
        episodes.values().removeIf(last -> step - last > QUIET);
        List<Alarm> alarms = new ArrayList<>();
        for (Hazard hazard : Hazard.values()) {
            Optional<Detectors.Sign> sign = Detectors.seen(hazard, history);
            if (sign.isPresent() && episodes.put(hazard, step) == null) {
                alarms.add(new Alarm(step, hazard, Math.max(sign.get().sound(), firstSound), sign.get().message()));
            }
        }
        return alarms;
    }

    /** Mean length of the latest completions over that of the run's first; NaN in those. */
    public double lengthDrift() {
        return history.ready() ? history.recent(LENGTH, Detectors.FEW) / history.early(LENGTH) : Double.NaN;
    }

    /** The policy is again what it was after this step: what came later does not count any more. */
    public void rewind(int step) {
        history.rewind(step);
        firstSound = step + 1; // a next alarm, soon after, returns to the same point and not far beyond it
        episodes.clear();
    }

    /** The earliest {@link Alarm#sound} of a sign that the next step could show, but for {@link #bestSteps}. */
    public int evidenceFrom() {
        return Math.max(firstSound, history.step(Math.max(0, history.size() - Detectors.FEW)));
    }

    /** The steps that were best in what hacking is told by: each is the {@link Alarm#sound} of a sign to come. */
    public List<Integer> bestSteps() {
        List<Integer> best = new ArrayList<>();
        Detectors.mostAgreed(history).ifPresent(i -> best.add(history.step(i + Detectors.MANY - 1)));
        Detectors.mostRight(history).ifPresent(i -> best.add(history.step(i)));
        return best;
    }

    /** Hazards whose episode has not ended. */
    public Set<Hazard> active() {
        return episodes.keySet();
    }
}
