package intuitor.experiment.report;

import intuitor.train.JudgedCompletion;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.DoubleSummaryStatistics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;

/** Which pictures a comparison gets. */
final class ComparisonPictures {

    private final Path folder;
    private final ComparisonData comparison;
    private final List<String> tasks;
    private final List<String> drawn = new ArrayList<>();

    /** @param folder of the experiment, which has a folder pictures */
    ComparisonPictures(Path folder, ComparisonData comparison, List<String> tasks) {
        this.folder = folder;
        this.comparison = comparison;
        this.tasks = tasks;
    }

    /** Draws all of them and returns their paths in the folder. */
    List<String> draw() {
        for (Mode mode : Mode.values()) {
            Pictures.accuracies(next(mode.label()), mode, tasks, comparison.withBase());
        }
        for (Curve curve : Curve.ALL) {
            Map<String, SortedMap<Integer, Estimate>> arms = new LinkedHashMap<>();
            comparison.arms().forEach(arm -> arms.put(arm.name(), arm.curve(curve.metric())));
            if (arms.values().stream().anyMatch(points -> !points.isEmpty())) {
                Pictures.curves(next(curve.metric().replaceAll("\\W+", "-")), curve, arms);
            }
        }
        certainty(tasks.getFirst());
        return drawn;
    }

    /** On one scale for all arms. */
    private void certainty(String task) {
        DoubleSummaryStatistics all = comparison.withBase().stream().flatMap(arm -> arm.sampled(task).stream())
                .mapToDouble(JudgedCompletion::selfCertainty).summaryStatistics();
        for (ArmData arm : comparison.withBase()) {
            Pictures.certainty(next("certainty-" + arm.name().replaceAll("[^\\w.]+", "-")),
                    arm.name() + ": " + task + ", sampled", arm.sampled(task), Math.floor(all.getMin()),
                    Math.ceil(all.getMax()));
        }
    }

    private Path next(String what) {
        String name = "pictures/" + comparison.slug() + "-" + what + ".png";
        drawn.add(name);
        return folder.resolve(name);
    }
}
