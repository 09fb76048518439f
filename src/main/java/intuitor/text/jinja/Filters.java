package intuitor.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collector;
import java.util.stream.Collectors;

/** The filters that chat templates use: {@code value | name(arguments)}. */
final class Filters {

    private Filters() {}

    static Object apply(String name, Object value, Arguments a) {
        return switch (name) {
            case "trim" -> Strings.strip(Values.text(value), (String) a.get(0, "chars", null), true, true);
            case "upper" -> Values.text(value).toUpperCase(Locale.ROOT);
            case "lower" -> Values.text(value).toLowerCase(Locale.ROOT);
            case "title" -> Strings.title(Values.text(value));
            case "capitalize" -> Strings.capitalize(Values.text(value));
            case "replace" -> Strings.replace(Values.text(value), Values.text(a.require(0, "old")),
                    Values.text(a.require(1, "new")), a.integer(2, "count", -1));
            case "indent" -> indent(Values.text(value), a);
            case "string", "safe" -> Values.text(value);
            case "tojson" -> PythonJson.format(value, a);
            case "length", "count" -> Values.length(value);
            case "default", "d" -> isMissing(value, a) ? a.get(0, "default_value", "") : value;
            case "int" -> toInteger(value, a.get(0, "default", 0L));
            case "float" -> toReal(value, a.get(0, "default", 0.0));
            case "abs" -> value instanceof Double d ? (Object) Math.abs(d) : (Object) Math.abs(Values.integer(value));
            default -> ofItems(name, value, a);
        };
    }

    private static Object ofItems(String name, Object value, Arguments a) {
        return switch (name) {
            case "list" -> Values.items(value);
            case "items" -> value instanceof Undefined ? List.of() : Methods.pairs(Values.dict(value));
            case "dictsort" -> sorted(Methods.pairs(Values.dict(value)), pair -> ((List<?>) pair).getFirst(), a);
            case "first" -> Values.length(value) > 0 ? Values.items(value).getFirst() : new Undefined("the first item");
            case "last" -> Values.length(value) > 0 ? Values.items(value).getLast() : new Undefined("the last item");
            case "join" -> attributes(value, a.get(1, "attribute", null)).stream().map(Values::text)
                    .collect(Collectors.joining(Values.text(a.get(0, "d", ""))));
            case "reverse" -> Values.slice(value, null, null, -1L);
            case "sort" -> sorted(Values.items(value), key(a.get(2, "attribute", null)), a);
            case "unique" -> unique(Values.items(value));
            case "min" -> Values.items(value).stream().min(Values::compare).orElse(new Undefined("the least item"));
            case "max" -> Values.items(value).stream().max(Values::compare).orElse(new Undefined("the greatest item"));
            case "sum" -> attributes(value, a.get(0, "attribute", null)).stream()
                    .reduce(a.get(1, "start", 0L), (x, y) -> Operators.apply("+", x, y));
            case "map" -> map(value, a);
            case "select" -> Values.items(value).stream().filter(test(a)).collect(mutableList());
            case "reject" -> Values.items(value).stream().filter(test(a).negate()).collect(mutableList());
            case "selectattr" -> Values.items(value).stream().filter(attributeTest(a)).collect(mutableList());
            case "rejectattr" -> Values.items(value).stream().filter(attributeTest(a).negate()).collect(mutableList());
            default -> throw new TemplateException("the filter '" + name + "' is not supported");
        };
    }

    /** toList() would refuse none. */
    private static Collector<Object, ?, List<Object>> mutableList() {
        return Collectors.toCollection(ArrayList::new);
    }

    private static boolean isMissing(Object value, Arguments a) {
        return value instanceof Undefined || Values.isTrue(a.get(1, "boolean", false)) && !Values.isTrue(value);
    }

    private static String indent(String text, Arguments a) {
        Object width = a.get(0, "width", 4L);
        return Strings.indent(text, width instanceof String s ? s : " ".repeat((int) Values.integer(width)),
                Values.isTrue(a.get(1, "first", false)), Values.isTrue(a.get(2, "blank", false)));
    }

    private static Object toInteger(Object value, Object fallback) {
        try {
            return switch (value) {
                case Double d -> (long) d.doubleValue();
                case String s when s.strip().matches("[-+]?\\d+") -> Long.parseLong(s.strip());
                case String s -> (long) Double.parseDouble(s);
                case null, default -> Values.integer(value);
            };
        } catch (NumberFormatException | TemplateException e) {
            return fallback;
        }
    }

    private static Object toReal(Object value, Object fallback) {
        try {
            return value instanceof String s ? Double.parseDouble(s) : Values.real(value);
        } catch (NumberFormatException | TemplateException e) {
            return fallback;
        }
    }

    private static List<Object> sorted(List<Object> items, Function<Object, Object> key, Arguments a) {
        boolean caseSensitive = Values.isTrue(a.get(1, "case_sensitive", false));
        var sorted = new ArrayList<>(items);
        sorted.sort((x, y) -> Values.compare(folded(key.apply(x), caseSensitive), folded(key.apply(y), caseSensitive)));
        return Values.isTrue(a.get(0, "reverse", false)) ? sorted.reversed() : sorted;
    }

    private static Object folded(Object value, boolean caseSensitive) {
        return value instanceof String s && !caseSensitive ? s.toLowerCase(Locale.ROOT) : value;
    }

    private static Function<Object, Object> key(Object attribute) {
        return attribute == null ? item -> item : item -> Access.path(item, attribute);
    }

    private static List<Object> unique(List<Object> items) {
        var seen = new LinkedHashMap<Object, Object>();
        items.forEach(item -> seen.putIfAbsent(folded(item, false), item));
        return new ArrayList<>(seen.values());
    }

    private static List<Object> attributes(Object value, Object attribute) {
        return Values.items(value).stream().map(key(attribute)).collect(mutableList());
    }

    /** map(attribute='name', default=...) or map('filter', arguments). */
    private static List<Object> map(Object value, Arguments a) {
        if (!a.positional().isEmpty()) {
            String filter = a.requireString(0, "filter");
            return Values.items(value).stream().map(item -> apply(filter, item, a.rest())).collect(mutableList());
        }
        Object fallback = a.named().get("default");
        return attributes(value, a.require(0, "attribute")).stream()
                .map(item -> item instanceof Undefined && fallback != null ? fallback : item)
                .collect(mutableList());
    }

    private static Predicate<Object> test(Arguments a) {
        if (a.positional().isEmpty()) {
            return Values::isTrue;
        }
        String test = a.requireString(0, "test");
        return item -> Tests.apply(test, item, a.rest());
    }

    private static Predicate<Object> attributeTest(Arguments a) {
        Object attribute = a.require(0, "attribute");
        Predicate<Object> test = test(a.rest());
        return item -> test.test(Access.path(item, attribute));
    }
}
