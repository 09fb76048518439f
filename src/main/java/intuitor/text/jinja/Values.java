package intuitor.text.jinja;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * What Python does with values. They are String, Long, Double, Boolean, null for none, List for lists and tuples, Map
 * for dicts, and {@link Undefined}, {@link Namespace}, {@link Loop} and {@link Callable}.
 */
final class Values {

    private Values() {}

    static boolean isTrue(Object value) {
        return switch (value) {
            case null -> false;
            case Undefined u -> false;
            case Boolean b -> b;
            case Long n -> n != 0;
            case Double d -> d != 0;
            case String s -> !s.isEmpty();
            case List<?> list -> !list.isEmpty();
            case Map<?, ?> map -> !map.isEmpty();
            default -> true;
        };
    }

    /** As str() writes it. */
    static String text(Object value) {
        return switch (value) {
            case String s -> s;
            case Undefined u -> "";
            case null, default -> literal(value);
        };
    }

    /** As repr() writes it. */
    static String literal(Object value) {
        return switch (value) {
            case null -> "None";
            case Boolean b -> b ? "True" : "False";
            case Double d -> number(d);
            case String s -> quoted(s);
            case List<?> list -> list.stream().map(Values::literal).collect(Collectors.joining(", ", "[", "]"));
            case Map<?, ?> map -> map.entrySet().stream().map(e -> literal(e.getKey()) + ": " + literal(e.getValue()))
                    .collect(Collectors.joining(", ", "{", "}"));
            case Undefined u -> "Undefined";
            default -> value.toString();
        };
    }

    /** The shortest digits that give the number back, with an exponent below 1e-4 and from 1e16 on. */
    static String number(double d) {
        if (Double.isNaN(d)) {
            return "nan";
        }
        if (Double.isInfinite(d)) {
            return d > 0 ? "inf" : "-inf";
        }
        double size = Math.abs(d);
        if (size == 0 || size >= 1e-4 && size < 1e16) {
            String plain = new BigDecimal(Double.toString(d)).toPlainString();
            return (d == 0 && 1 / d < 0 ? "-" : "") + (plain.contains(".") ? plain : plain + ".0");
        }
        String[] parts = Double.toString(d).split("E");
        String digits = parts[0].endsWith(".0") ? parts[0].substring(0, parts[0].length() - 2) : parts[0];
        int exponent = Integer.parseInt(parts[1]);
        return digits + "e" + (exponent < 0 ? "-" : "+") + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
    }

    private static String quoted(String s) {
        char quote = s.indexOf('\'') >= 0 && s.indexOf('"') < 0 ? '"' : '\'';
        var out = new StringBuilder().append(quote);
        for (char c : s.toCharArray()) {
            switch (c) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\\' -> out.append("\\\\");
                default -> {
                    if (c == quote) {
                        out.append('\\').append(c);
                    } else if (c < ' ' || c == 0x7F) {
                        out.append(String.format("\\x%02x", (int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        return out.append(quote).toString();
    }

    static boolean equal(Object a, Object b) {
        if (isNumber(a) && isNumber(b)) {
            return a instanceof Double || b instanceof Double ? real(a) == real(b) : integer(a) == integer(b);
        }
        if (a instanceof Undefined && b instanceof Undefined) {
            return true;
        }
        if (a instanceof List<?> x && b instanceof List<?> y) {
            if (x.size() != y.size()) {
                return false;
            }
            Iterator<?> j = y.iterator();
            return x.stream().allMatch(item -> equal(item, j.next()));
        }
        if (a instanceof Map<?, ?> x && b instanceof Map<?, ?> y) {
            return x.keySet().equals(y.keySet()) && x.keySet().stream().allMatch(k -> equal(x.get(k), y.get(k)));
        }
        return Objects.equals(a, b);
    }

    static int compare(Object a, Object b) {
        if (isNumber(a) && isNumber(b)) {
            return a instanceof Double || b instanceof Double
                    ? Double.compare(real(a), real(b))
                    : Long.compare(integer(a), integer(b));
        }
        if (a instanceof String x && b instanceof String y) {
            return x.compareTo(y);
        }
        throw new TemplateException("cannot order " + typeName(a) + " and " + typeName(b));
    }

    static boolean contains(Object container, Object item) {
        return switch (container) {
            case String s when item instanceof String part -> s.contains(part);
            case List<?> list -> list.stream().anyMatch(other -> equal(other, item));
            case Map<?, ?> map -> map.containsKey(item);
            case Undefined u -> false;
            case null, default -> throw new TemplateException(
                    "cannot look for " + typeName(item) + " in " + typeName(container));
        };
    }

    /** What a loop over the value goes through: the keys of a dict, the characters of a string. */
    static List<Object> items(Object value) {
        return switch (value) {
            case List<?> list -> new ArrayList<>(list);
            case Map<?, ?> map -> new ArrayList<>(map.keySet());
            case String s -> Strings.characters(s);
            case Undefined u -> List.of();
            case null, default -> throw new TemplateException("cannot go through " + typeName(value));
        };
    }

    static boolean isIterable(Object value) {
        return value instanceof List<?> || value instanceof Map<?, ?> || value instanceof String
                || value instanceof Undefined;
    }

    static long length(Object value) {
        return switch (value) {
            case String s -> s.codePointCount(0, s.length());
            case List<?> list -> list.size();
            case Map<?, ?> map -> map.size();
            case Undefined u -> 0;
            case null, default -> throw new TemplateException(typeName(value) + " has no length");
        };
    }

    /** value[start:stop:step], each end null where it is left out. */
    static Object slice(Object value, Long start, Long stop, Long step) {
        List<Object> items = switch (value) {
            case List<?> list -> new ArrayList<>(list);
            case String s -> Strings.characters(s);
            case Undefined u -> throw u.asException();
            case null, default -> throw new TemplateException("cannot take a slice of " + typeName(value));
        };
        long by = step == null ? 1 : step;
        if (by == 0) {
            throw new TemplateException("a slice with step 0");
        }
        int n = items.size();
        long from = start == null ? (by > 0 ? 0 : n - 1) : clip(start, n, by);
        long to = stop == null ? (by > 0 ? n : -1) : clip(stop, n, by);
        var taken = new ArrayList<>();
        for (long i = from; by > 0 ? i < to : i > to; i += by) {
            taken.add(items.get((int) i));
        }
        return value instanceof String
                ? taken.stream().map(Object::toString).collect(Collectors.joining())
                : taken;
    }

    private static long clip(long index, int n, long step) {
        long i = index < 0 ? index + n : index;
        return step > 0 ? Math.clamp(i, 0, n) : Math.clamp(i, -1, n - 1);
    }

    static Map<?, ?> dict(Object value) {
        if (value instanceof Map<?, ?> map) {
            return map;
        }
        throw new TemplateException(typeName(value) + " is not a dict");
    }

    static boolean isNumber(Object value) {
        return value instanceof Long || value instanceof Double || value instanceof Boolean;
    }

    static long integer(Object value) {
        return switch (value) {
            case Long n -> n;
            case Boolean b -> b ? 1 : 0;
            case null, default -> throw new TemplateException(typeName(value) + " is not a whole number");
        };
    }

    static double real(Object value) {
        return value instanceof Double d ? d : integer(value);
    }

    /** For messages. */
    static String typeName(Object value) {
        return switch (value) {
            case null -> "none";
            case String s -> "a string";
            case Boolean b -> "a boolean";
            case Long n -> "a whole number";
            case Double d -> "a number";
            case List<?> list -> "a list";
            case Map<?, ?> map -> "a dict";
            case Undefined u -> u.what() + ", which is undefined,";
            case Namespace n -> "a namespace";
            case Callable c -> "a function";
            default -> "a " + value.getClass().getSimpleName().toLowerCase(Locale.ROOT);
        };
    }
}
