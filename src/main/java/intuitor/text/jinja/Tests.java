package intuitor.text.jinja;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The tests that chat templates use: {@code value is name(arguments)}. */
final class Tests {

    private Tests() {}

    static boolean apply(String name, Object value, Arguments a) {
        return switch (name) {
            case "defined" -> !(value instanceof Undefined);
            case "undefined" -> value instanceof Undefined;
            case "none" -> value == null;
            case "true" -> Boolean.TRUE.equals(value);
            case "false" -> Boolean.FALSE.equals(value);
            case "boolean" -> value instanceof Boolean;
            case "string" -> value instanceof String;
            case "mapping" -> value instanceof Map<?, ?>;
            case "iterable" -> Values.isIterable(value);
            case "sequence" -> value instanceof List<?> || value instanceof String || value instanceof Map<?, ?>
                    || value instanceof Undefined;
            case "number" -> Values.isNumber(value);
            case "integer" -> value instanceof Long;
            case "float" -> value instanceof Double;
            case "callable" -> value instanceof Callable;
            case "odd" -> Math.floorMod(Values.integer(value), 2L) == 1;
            case "even" -> Math.floorMod(Values.integer(value), 2L) == 0;
            case "divisibleby" -> Math.floorMod(Values.integer(value), a.integer(0, "num", 1)) == 0;
            case "lower" -> isCase(value, Values.text(value).toLowerCase(Locale.ROOT));
            case "upper" -> isCase(value, Values.text(value).toUpperCase(Locale.ROOT));
            case "equalto", "eq", "==" -> Values.equal(value, a.require(0, "other"));
            case "ne", "!=" -> !Values.equal(value, a.require(0, "other"));
            case "lt", "lessthan", "<" -> Values.compare(value, a.require(0, "other")) < 0;
            case "le", "<=" -> Values.compare(value, a.require(0, "other")) <= 0;
            case "gt", "greaterthan", ">" -> Values.compare(value, a.require(0, "other")) > 0;
            case "ge", ">=" -> Values.compare(value, a.require(0, "other")) >= 0;
            case "in" -> Values.contains(a.require(0, "seq"), value);
            case "sameas" -> value == null ? a.require(0, "other") == null : value.equals(a.require(0, "other"));
            default -> throw new TemplateException("the test '" + name + "' is not supported");
        };
    }

    private static boolean isCase(Object value, String changed) {
        String text = Values.text(value);
        return text.equals(changed) && text.codePoints().anyMatch(Character::isLetter);
    }
}
