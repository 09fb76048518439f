package intuitor.experiment;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/** All combinations of values of some keys. */
final class Grid {

    /** One combination. */
    record Point(Map<String, JsonNode> values) {

        /** {@code beta 0.005, learning_rate 1e-4}; empty where there are no keys. */
        String name() {
            return values.entrySet().stream().map(e -> e.getKey() + " " + text(e.getValue()))
                    .collect(Collectors.joining(", "));
        }

        /** Numbers as people write them: YAML reads 1e-4 as what Java calls 1.0E-4. */
        private static String text(JsonNode value) {
            String text = value.isValueNode() ? value.asString() : value.toString();
            return value.isNumber() ? text.replace(".0E", "e").replace("E", "e") : text;
        }
    }

    private Grid() { }

    /** The combinations, the last key's values changing fastest; one without values for no keys. */
    static List<Point> points(Map<String, List<JsonNode>> axes) {
        List<Point> points = List.of(new Point(Map.of()));
        for (Map.Entry<String, List<JsonNode>> axis : axes.entrySet()) {
            List<Point> longer = new ArrayList<>();
            for (Point point : points) {
                for (JsonNode value : axis.getValue()) {
                    Map<String, JsonNode> values = new LinkedHashMap<>(point.values());
                    values.put(axis.getKey(), value);
                    longer.add(new Point(values));
                }
            }
            points = longer;
        }
        return points;
    }
}
