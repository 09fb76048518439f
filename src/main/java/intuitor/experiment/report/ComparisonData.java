package intuitor.experiment.report;

import java.util.List;
import java.util.stream.Stream;

/**
 * What there is of a comparison.
 *
 * @param name as the recipe has it
 * @param base the untrained model, with the seeds that any arm has
 * @param arms those with at least one finished run
 */
record ComparisonData(String name, ArmData base, List<ArmData> arms) {

    List<ArmData> withBase() {
        return Stream.concat(Stream.of(base), arms.stream()).toList();
    }

    /** Begins the names of its pictures. */
    String slug() {
        return name.replaceAll("[^\\w-]+", "-");
    }
}
