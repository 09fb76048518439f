package intuitor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** What JSON and YAML files have in common with each other: how they are wrong, and how two of them differ. */
public final class Json {

    private Json() { }

    /** The parser's complaint in one line, without where in its own source it stood when it complained. */
    public static String complaint(JacksonException e) {
        String message = e.getOriginalMessage().lines().findFirst().orElse("");
        int internals = message.indexOf(" (start marker");
        return internals < 0 ? message : message.substring(0, internals);
    }

    /** The lines of a file, each read as JSON. */
    public static <T> List<T> lines(Path file, Function<String, T> read) {
        try {
            return Files.readAllLines(file).stream().map(read).toList();
        } catch (IOException e) {
            throw UserError.of("cannot read " + file, e);
        } catch (JacksonException e) {
            throw new UserError(file + ": a line is not valid JSON: " + complaint(e), e);
        }
    }

    /** The first key, in alphabetical order, that two objects have with different values: "seed was 1 and is 2". */
    public static Optional<String> difference(JsonNode then, JsonNode now) {
        Set<String> names = new TreeSet<>(then.propertyNames());
        names.addAll(now.propertyNames());
        return names.stream().filter(name -> !Objects.equals(then.get(name), now.get(name))).findFirst()
                .map(name -> difference(name, then.get(name), now.get(name)));
    }

    private static String difference(String name, JsonNode then, JsonNode now) {
        return then != null && now != null && then.isObject() && now.isObject()
                ? name + " differs: " + difference(then, now).orElseThrow()
                : name + " was " + shown(then) + " and is " + shown(now);
    }

    private static String shown(JsonNode value) {
        return value == null ? "not set" : value.toString();
    }
}
