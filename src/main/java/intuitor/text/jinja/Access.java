package intuitor.text.jinja;

import java.util.List;
import java.util.Map;

/** Attributes and elements of values. What is not there is {@link Undefined}. */
final class Access {

    private Access() {}

    /** {@code object.name}: a method, or a dict's entry. */
    static Object attribute(Object object, String name) {
        Callable method = Methods.find(object, name);
        if (method != null) {
            return method;
        }
        return switch (object) {
            case Undefined undefined -> throw undefined.asException();
            case Map<?, ?> map when map.containsKey(name) -> map.get(name);
            case Namespace namespace when namespace.variables().containsKey(name) -> namespace.variables().get(name);
            case Loop loop -> loop.attribute(name);
            case null, default -> missing(object, name);
        };
    }

    /** {@code object[key]}: a dict's entry, a list's item or a string's character, or an attribute. */
    static Object element(Object object, Object key) {
        return switch (object) {
            case Undefined undefined -> throw undefined.asException();
            case Map<?, ?> map when map.containsKey(key) -> map.get(key);
            case List<?> list when key instanceof Long index -> at(list, index);
            case String s when key instanceof Long index -> at(Strings.characters(s), index);
            case null, default -> key instanceof String name ? attribute(object, name) : missing(object, key);
        };
    }

    /** What a filter's argument such as {@code 'function.name'} or {@code 0} leads to. */
    static Object path(Object object, Object attribute) {
        if (!(attribute instanceof String names)) {
            return element(object, attribute);
        }
        Object value = object;
        for (String name : names.split("\\.")) {
            value = element(value, name.matches("\\d+") ? (Object) Long.valueOf(name) : name);
        }
        return value;
    }

    private static Object at(List<?> list, long index) {
        long i = index < 0 ? index + list.size() : index;
        return i >= 0 && i < list.size() ? list.get((int) i) : new Undefined("item " + index + " of a list");
    }

    private static Undefined missing(Object object, Object key) {
        return new Undefined(Values.literal(key) + " of " + Values.typeName(object));
    }
}
