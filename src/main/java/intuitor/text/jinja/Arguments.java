package intuitor.text.jinja;

import java.util.List;
import java.util.Map;

/** Arguments with their values. */
record Arguments(List<Object> positional, Map<String, Object> named) {

    static final Arguments NONE = new Arguments(List.of(), Map.of());

    /** An argument by its place or name, or the fallback. */
    Object get(int index, String name, Object fallback) {
        if (index < positional.size()) {
            return positional.get(index);
        }
        return named.containsKey(name) ? named.get(name) : fallback;
    }

    Object require(int index, String name) {
        if (index >= positional.size() && !named.containsKey(name)) {
            throw new TemplateException("the argument '" + name + "' is missing");
        }
        return get(index, name, null);
    }

    String requireString(int index, String name) {
        if (require(index, name) instanceof String text) {
            return text;
        }
        throw new TemplateException("the argument '" + name + "' is not a string");
    }

    /** A whole number, or the fallback where the argument is left out or none. */
    long integer(int index, String name, long fallback) {
        Object value = get(index, name, null);
        if (value == null) {
            return fallback;
        }
        return Values.integer(value);
    }

    /** Without the first positional one. */
    Arguments rest() {
        return new Arguments(positional.subList(1, positional.size()), named);
    }
}
