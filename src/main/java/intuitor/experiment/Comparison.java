package intuitor.experiment;

import java.util.List;

/** Arms that belong into one table. Comparisons may share runs. */
public record Comparison(String name, List<Arm> arms) { }
