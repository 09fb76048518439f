package intuitor.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;

/** The methods of strings, lists and dicts that templates call. Those that would change a value are left out. */
final class Methods {

    private Methods() {}

    /** A method bound to its value, null where the value has none of that name. */
    static Callable find(Object value, String name) {
        return switch (value) {
            case String s -> ofString(s, name);
            case List<?> list -> ofList(list, name);
            case Map<?, ?> map -> ofDict(map, name);
            case null, default -> null;
        };
    }

    private static Callable ofString(String s, String name) {
        return switch (name) {
            case "strip" -> a -> Strings.strip(s, characters(a), true, true);
            case "lstrip" -> a -> Strings.strip(s, characters(a), true, false);
            case "rstrip" -> a -> Strings.strip(s, characters(a), false, true);
            case "split" -> a -> Strings.split(s, (String) a.get(0, "sep", null), a.integer(1, "maxsplit", -1));
            case "rsplit" -> a -> Strings.splitRight(s, a.requireString(0, "sep"), a.integer(1, "maxsplit", -1));
            case "splitlines" -> a -> lines(s);
            case "startswith" -> a -> starts(s, a.require(0, "prefix"));
            case "endswith" -> a -> ends(s, a.require(0, "suffix"));
            case "removeprefix" -> a -> s.startsWith(a.requireString(0, "prefix"))
                    ? s.substring(a.requireString(0, "prefix").length()) : s;
            case "removesuffix" -> a -> s.endsWith(a.requireString(0, "suffix"))
                    ? s.substring(0, s.length() - a.requireString(0, "suffix").length()) : s;
            case "replace" -> a -> Strings.replace(s, a.requireString(0, "old"), a.requireString(1, "new"),
                    a.integer(2, "count", -1));
            case "upper" -> a -> s.toUpperCase(Locale.ROOT);
            case "lower" -> a -> s.toLowerCase(Locale.ROOT);
            case "title" -> a -> Strings.title(s);
            case "capitalize" -> a -> Strings.capitalize(s);
            case "find" -> a -> place(s, s.indexOf(a.requireString(0, "sub")));
            case "rfind" -> a -> place(s, s.lastIndexOf(a.requireString(0, "sub")));
            case "count" -> a -> (long) Strings.split(s, a.requireString(0, "sub"), -1).size() - 1;
            case "join" -> a -> Values.items(a.require(0, "iterable")).stream().map(Values::text)
                    .collect(Collectors.joining(s));
            case "isdigit", "isnumeric", "isdecimal" -> a -> all(s, Character::isDigit);
            case "isalpha" -> a -> all(s, Character::isLetter);
            case "isalnum" -> a -> all(s, Character::isLetterOrDigit);
            case "isspace" -> a -> all(s, Strings::isSpace);
            default -> null;
        };
    }

    private static Callable ofList(List<?> list, String name) {
        return switch (name) {
            case "index" -> a -> {
                for (int i = 0; i < list.size(); i++) {
                    if (Values.equal(list.get(i), a.require(0, "value"))) {
                        return (long) i;
                    }
                }
                throw new TemplateException(Values.literal(a.require(0, "value")) + " is not in the list");
            };
            case "count" -> a -> list.stream().filter(item -> Values.equal(item, a.require(0, "value"))).count();
            default -> null;
        };
    }

    private static Callable ofDict(Map<?, ?> map, String name) {
        return switch (name) {
            case "get" -> a -> map.containsKey(a.require(0, "key"))
                    ? map.get(a.require(0, "key"))
                    : a.get(1, "default", null);
            case "keys" -> a -> new ArrayList<Object>(map.keySet());
            case "values" -> a -> new ArrayList<Object>(map.values());
            case "items" -> a -> pairs(map);
            default -> null;
        };
    }

    /** A dict's entries, as lists of two. */
    static List<Object> pairs(Map<?, ?> map) {
        var pairs = new ArrayList<>();
        map.forEach((key, value) -> {
            var pair = new ArrayList<Object>();
            pair.add(key);
            pair.add(value);
            pairs.add(pair);
        });
        return pairs;
    }

    private static String characters(Arguments a) {
        return a.get(0, "chars", null) == null ? null : a.requireString(0, "chars");
    }

    private static List<Object> lines(String s) {
        var lines = new ArrayList<Object>(List.of(s.split("\r\n|[\n\r\u000B\f\u001C-\u001E\u0085\u2028\u2029]", -1)));
        if (lines.getLast().equals("")) {
            lines.removeLast();
        }
        return lines;
    }

    private static boolean all(String s, IntPredicate property) {
        return !s.isEmpty() && s.codePoints().allMatch(property);
    }

    /** One prefix, or a tuple of which any will do. */
    private static boolean starts(String s, Object prefix) {
        return prefix instanceof List<?> several
                ? several.stream().anyMatch(p -> starts(s, p))
                : s.startsWith(Values.text(prefix));
    }

    private static boolean ends(String s, Object suffix) {
        return suffix instanceof List<?> several
                ? several.stream().anyMatch(p -> ends(s, p))
                : s.endsWith(Values.text(suffix));
    }

    private static long place(String s, int index) {
        return index < 0 ? -1 : s.codePointCount(0, index);
    }
}
