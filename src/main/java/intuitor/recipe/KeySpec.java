package intuitor.recipe;

import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * One key of a recipe: what {@code --help} says of it, and how its text becomes a value.
 *
 * @param name        as in the YAML file, for instance {@code num_generations}
 * @param type        String, Path, boolean, int, long, double, an enum (its constants are written in lower case) or
 *                    List (of strings)
 * @param defaultText the default as it would be written in YAML; empty for none
 * @param help        one line
 * @param required    whether a recipe without it is refused
 * @param range       interval of the numbers accepted, or null
 * @param needs       what has to be set for it to do anything, as in {@link Key#needs}
 */
public record KeySpec(String name, Class<?> type, String defaultText, String help, boolean required, Interval range,
                      String needs) {

    private static final YAMLMapper YAML =
            YAMLMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();
    private static final Pattern WORD_IN_BRACKETS = Pattern.compile("\\[\\s*[^-+.\\d\\s\"',\\[\\]][^,]*]");
    private static final Pattern WHOLE = Pattern.compile("[-+]?\\d+");
    private static final Pattern NUMBER = Pattern.compile("[-+]?(\\d+(\\.\\d*)?|\\.\\d+)([eE][-+]?\\d+)?");

    static KeySpec of(RecordComponent c) {
        Key key = c.getAnnotation(Key.class);
        if (key == null) {
            throw new IllegalArgumentException(c + " has no @Key");
        }
        String name = c.getName().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
        return new KeySpec(name, c.getType(), key.value(), key.help(), key.required(),
                key.range().isEmpty() ? null : Interval.parse(key.range()), key.needs());
    }

    /** The flag of the same name: {@code --num-generations}. */
    public String flag() {
        return "--" + name.replace('_', '-');
    }

    /** What stands for the value in a usage line: {@code N}, {@code X}, {@code PATH}, {@code grpo|bnpo|...}. */
    public String label() {
        if (type.isEnum()) {
            return choices();
        }
        return switch (type.getSimpleName()) {
            case "int", "long" -> "N";
            case "double" -> "X";
            case "boolean" -> "true|false";
            case "Path" -> "PATH";
            case "List" -> "A,B,...";
            default -> "TEXT";
        };
    }

    /** The default's value, or null where there is none. */
    Object defaultValue() {
        if (defaultText.isEmpty()) {
            return type == List.class ? List.of() : null;
        }
        return parse(defaultText);
    }

    /**
     * The value of this key written as {@code text}.
     *
     * @throws IllegalArgumentException with what is expected instead, to be put after the place and the key
     */
    Object parse(String text) {
        if (type == String.class) {
            return text;
        }
        if (type == List.class) {
            return text.isEmpty() ? List.of() : written(text).orElseGet(() -> List.of(text.split(",")));
        }
        if (type == Path.class) {
            require(!text.isBlank(), "a path", text);
            return Path.of(text);
        }
        if (type == boolean.class) {
            require(text.equals("true") || text.equals("false"), "true or false", text);
            return text.equals("true");
        }
        if (type.isEnum()) {
            return constant(text);
        }
        return number(text);
    }

    /**
     * The items of a list as YAML writes it, in brackets; nothing if the text is none. A single word in brackets, not
     * quoted, is an item, as the token "[INST]" is.
     */
    private static Optional<List<String>> written(String text) {
        if (!text.startsWith("[") || WORD_IN_BRACKETS.matcher(text).matches()) {
            return Optional.empty();
        }
        try {
            JsonNode list = YAML.readTree(text);
            return list.isArray() && list.valueStream().allMatch(item -> item.isValueNode() && !item.isNull())
                    ? Optional.of(items(list)) : Optional.empty();
        } catch (JacksonException e) {
            return Optional.empty();
        }
    }

    /** The texts of a list's items. */
    static List<String> items(JsonNode list) {
        return list.valueStream().map(JsonNode::asString).toList();
    }

    private Object number(String text) {
        boolean whole = type != double.class;
        require((whole ? WHOLE : NUMBER).matcher(text).matches(), whole ? "a whole number" : "a number", text);
        double x = Double.parseDouble(text);
        require(Double.isFinite(x) && (range == null || range.contains(x)),
                (whole ? "a whole number" : "a number") + (range == null ? "" : " in " + range), text);
        if (type == double.class) {
            double single = (float) x; // as the kernels see it: 1e-50 would be their 0, and 0.99999999 their 1
            require(Double.isFinite(single) && (range == null || range.contains(single)),
                    "a number that single precision tells from the ends of " + (range == null ? "its range" : range),
                    text);
            return x;
        }
        try {
            if (type == int.class) {
                return Integer.parseInt(text);
            }
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("expected a smaller number, found " + text);
        }
    }

    private Object constant(String text) {
        for (Object constant : type.getEnumConstants()) {
            if (text.replace('-', '_').equals(lowerCase(constant))) {
                return constant;
            }
        }
        throw new IllegalArgumentException("expected " + choices().replace("|", ", ") + ", found '" + text + "'");
    }

    private String choices() {
        return Arrays.stream(type.getEnumConstants()).map(KeySpec::lowerCase).collect(Collectors.joining("|"));
    }

    static String lowerCase(Object constant) {
        return ((Enum<?>) constant).name().toLowerCase(Locale.ROOT);
    }

    private static void require(boolean holds, String expected, String found) {
        if (!holds) {
            throw new IllegalArgumentException("expected " + expected + ", found '" + found + "'");
        }
    }
}
