package intuitor.text.jinja;

import java.time.LocalDate;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The functions that a template may call: Jinja's own, and the two that transformers adds. */
final class Functions {

    /** As in Jinja's sandbox. */
    private static final long MAX_RANGE = 100_000;

    private Functions() {}

    /** @param today what strftime_now tells the date from; the time is midnight */
    static Map<String, Object> all(LocalDate today) {
        return Map.of(
                "range", (Callable) Functions::range,
                "dict", (Callable) a -> new LinkedHashMap<>(a.named()),
                "namespace", (Callable) Functions::namespace,
                "raise_exception", (Callable) a -> {
                    throw new TemplateException(Values.text(a.require(0, "message")));
                },
                "strftime_now", (Callable) a -> formatDate(a.requireString(0, "format"), today));
    }

    private static Object namespace(Arguments a) {
        var variables = new LinkedHashMap<String, Object>();
        for (Object initial : a.positional()) {
            if (!(initial instanceof Map<?, ?> map)) {
                throw new TemplateException("namespace() of " + Values.typeName(initial));
            }
            map.forEach((key, value) -> variables.put(Values.text(key), value));
        }
        variables.putAll(a.named());
        return new Namespace(variables);
    }

    private static List<Object> range(Arguments a) {
        List<Object> given = a.positional();
        if (given.isEmpty() || given.size() > 3) {
            throw new TemplateException("range() takes one to three numbers");
        }
        long start = given.size() > 1 ? Values.integer(given.get(0)) : 0;
        long stop = Values.integer(given.get(given.size() > 1 ? 1 : 0));
        long step = given.size() > 2 ? Values.integer(given.get(2)) : 1;
        if (step == 0 || Math.abs((double) stop - start) / Math.abs((double) step) > MAX_RANGE) {
            throw new TemplateException("range() has step 0 or more than " + MAX_RANGE + " numbers");
        }
        var numbers = new ArrayList<Object>();
        for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
            numbers.add(i);
        }
        return numbers;
    }

    /** The codes of strftime that a date can answer, in English. */
    private static String formatDate(String format, LocalDate date) {
        var out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%') {
                out.append(c);
                continue;
            }
            boolean unpadded = format.startsWith("-", i + 1);
            i += unpadded ? 2 : 1;
            char code = i < format.length() ? format.charAt(i) : ' ';
            String pattern = switch (code) {
                case 'Y' -> "yyyy";
                case 'y' -> "yy";
                case 'm' -> unpadded ? "M" : "MM";
                case 'd' -> unpadded ? "d" : "dd";
                case 'j' -> unpadded ? "D" : "DDD";
                case 'B' -> "MMMM";
                case 'b' -> "MMM";
                case 'A' -> "EEEE";
                case 'a' -> "EEE";
                case 'H', 'M', 'S' -> unpadded ? "'0'" : "'00'";
                case '%' -> "'%'";
                default -> throw new TemplateException("the date format %" + code + " is not supported");
            };
            out.append(DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(date));
        }
        return out.toString();
    }
}
