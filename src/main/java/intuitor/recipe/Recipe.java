package intuitor.recipe;

import intuitor.Json;
import intuitor.UserError;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * Reads and writes the settings of a run: a record whose components carry {@link Key} is its own table of names, types,
 * defaults, ranges and help. The same table makes the command's flags, so a YAML file, the command line and the code
 * can not drift apart.
 *
 * <p>The record's compact constructor checks what concerns several keys and throws an IllegalArgumentException that
 * names the key; here it becomes a {@link UserError} that names the file too.
 */
public final class Recipe {

    private static final YAMLMapper YAML =
            YAMLMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();
    private static final JsonMapper JSON = new JsonMapper();

    private Recipe() { }

    /** The keys of a settings record, in its order. */
    public static List<KeySpec> keys(Class<? extends Record> type) {
        return Arrays.stream(type.getRecordComponents()).map(KeySpec::of).toList();
    }

    /**
     * The settings in a YAML file, with flags put over them and defaults under them.
     *
     * @param file  the recipe, or null for flags and defaults only
     * @param flags text by key name ({@code num_generations}), as given on the command line
     * @throws UserError that names the file (or the flag) and the key, for an unknown key, a value of the wrong type or
     *                   out of range, a required key that is missing, settings that contradict each other, and a flag
     *                   that would do nothing
     */
    public static <R extends Record> R read(Class<R> type, Path file, Map<String, String> flags) {
        return read(type, file == null ? Map.of() : yaml(file), file == null ? "" : file + ": ", flags);
    }

    /**
     * The settings in a mapping that is part of a larger YAML file, with flags put over them and defaults under them.
     *
     * @param yaml  from {@link #yaml}
     * @param where put before every complaint about it: file and place in it, as {@code "x.yaml: train: "}
     * @param flags text by key name
     * @throws UserError as for a file of its own
     */
    public static <R extends Record> R read(Class<R> type, Map<String, JsonNode> yaml, String where,
                                            Map<String, String> flags) {
        Map<String, KeySpec> keys = new LinkedHashMap<>();
        keys(type).forEach(k -> keys.put(k.name(), k));
        Map<String, Object> values = new LinkedHashMap<>();
        yaml.forEach((name, node) -> {
            KeySpec key = known(keys, name, where + name);
            put(values, key, where + name, () -> fromYaml(key, node));
        });
        flags.forEach((name, text) -> {
            KeySpec key = known(keys, name, "--" + name.replace('_', '-'));
            put(values, key, key.flag(), () -> key.parse(text));
        });
        List<Object> arguments = new ArrayList<>();
        for (KeySpec key : keys.values()) {
            if (key.required() && values.get(key.name()) == null) {
                throw new UserError(where + key.name() + " is missing: " + key.help()
                        + "; set it in the recipe or with " + key.flag());
            }
            arguments.add(values.containsKey(key.name()) ? values.get(key.name()) : key.defaultValue());
        }
        R settings = construct(type, arguments, message -> flags.keySet().stream()
                .filter(name -> message.startsWith(name + ": ")).findFirst()
                .map(name -> keys.get(name).flag() + message.substring(name.length())).orElse(where + message));
        flags.keySet().forEach(name -> requireUse(settings, keys.get(name), keys));
        return settings;
    }

    /** Refuses a flag that would do nothing because of what another key says ({@link Key#needs}). */
    private static void requireUse(Record settings, KeySpec flag, Map<String, KeySpec> keys) {
        if (flag.needs().isEmpty() || isOff(value(settings, flag))) {
            return;
        }
        String[] needed = flag.needs().split(": ");
        Object other = value(settings, keys.get(needed[0]));
        boolean used = needed.length == 1 ? !isOff(other)
                : other instanceof List<?> items ? items.stream().anyMatch(i -> i.toString().strip().equals(needed[1]))
                : scalar(other).equals(needed[1]);
        if (!used) {
            throw new UserError(flag.flag() + ": does nothing without " + flag.needs());
        }
    }

    private static boolean isOff(Object value) {
        return value == null || value.equals(false) || value.equals(List.of())
                || value instanceof Number n && n.doubleValue() == 0;
    }

    /** The settings with some keys changed, from their text; checked as if they had been given so. */
    public static <R extends Record> R with(R settings, Map<String, String> changes) {
        @SuppressWarnings("unchecked")
        Class<R> type = (Class<R>) settings.getClass();
        List<Object> arguments = new ArrayList<>();
        for (RecordComponent c : type.getRecordComponents()) {
            KeySpec key = KeySpec.of(c);
            arguments.add(changes.containsKey(key.name()) ? key.parse(changes.get(key.name()))
                    : component(settings, c));
        }
        return construct(type, arguments, message -> message);
    }

    /** The record as YAML, every key on its line, readable by {@link #read}. */
    public static String write(Record settings) {
        StringBuilder yaml = new StringBuilder();
        for (RecordComponent c : settings.getClass().getRecordComponents()) {
            yaml.append(KeySpec.of(c).name()).append(": ").append(scalar(component(settings, c))).append('\n');
        }
        return yaml.toString();
    }

    /** The top level of a YAML file: values by key, in its order. */
    public static Map<String, JsonNode> yaml(Path file) {
        JsonNode tree;
        try {
            tree = YAML.readTree(Files.readString(file));
        } catch (NoSuchFileException e) {
            throw new UserError(file + ": no such recipe");
        } catch (IOException e) {
            throw UserError.of("cannot read " + file, e);
        } catch (JacksonException e) {
            throw new UserError(file + ":" + e.getLocation().getLineNr() + ": not valid YAML: " + Json.complaint(e));
        }
        if (tree.isMissingNode() || tree.isNull()) {
            return Map.of();
        }
        if (!tree.isObject()) {
            throw new UserError(file + ": expected lines of the form 'key: value'");
        }
        Map<String, JsonNode> entries = new LinkedHashMap<>();
        tree.properties().forEach(entry -> entries.put(entry.getKey(), entry.getValue()));
        return entries;
    }

    private static KeySpec known(Map<String, KeySpec> keys, String name, String where) {
        KeySpec key = keys.get(name);
        if (key == null) {
            throw new UserError(where + ": unknown key" + Spelling.hint(name, keys.keySet()));
        }
        return key;
    }

    private interface Value {
        Object get();
    }

    private static void put(Map<String, Object> values, KeySpec key, String where, Value value) {
        try {
            values.put(key.name(), value.get());
        } catch (IllegalArgumentException e) {
            throw new UserError(where + ": " + e.getMessage());
        }
    }

    /**
     * Scalars are read from their text, so that YAML's own idea of a number (3e-6 is a string to it) does not matter.
     */
    private static Object fromYaml(KeySpec key, JsonNode node) {
        if (node.isNull()) {
            return key.defaultValue();
        }
        if (key.type() == List.class && node.isArray()) {
            return KeySpec.items(node);
        }
        if (!node.isValueNode()) {
            throw new IllegalArgumentException("expected " + key.label() + ", found " + node);
        }
        return key.parse(node.asString());
    }

    /** @param complaint what to say of settings that the record refuses, from its own words */
    private static <R extends Record> R construct(Class<R> type, List<Object> arguments,
                                                  UnaryOperator<String> complaint) {
        try {
            Class<?>[] types = Arrays.stream(type.getRecordComponents()).map(RecordComponent::getType)
                    .toArray(Class[]::new);
            return type.getDeclaredConstructor(types).newInstance(arguments.toArray());
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof IllegalArgumentException wrong) {
                throw new UserError(complaint.apply(wrong.getMessage()));
            }
            throw new IllegalStateException(e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Object value(Record settings, KeySpec key) {
        return Arrays.stream(settings.getClass().getRecordComponents())
                .filter(c -> KeySpec.of(c).name().equals(key.name())).findFirst().map(c -> component(settings, c))
                .orElse(null);
    }

    private static Object component(Record settings, RecordComponent c) {
        try {
            return c.getAccessor().invoke(settings);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String scalar(Object value) {
        return switch (value) {
            case null -> "null";
            case Enum<?> e -> KeySpec.lowerCase(e);
            case Boolean b -> b.toString();
            case Number n -> n.toString();
            case List<?> items -> JSON.writeValueAsString(items);
            default -> JSON.writeValueAsString(value.toString());
        };
    }
}
