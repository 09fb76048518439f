package intuitor.eval.answer;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** Names of units and what they measure: for telling 5 cm from 5 m, and for 100 cm = 1 m. */
final class Units {

    /** A unit is {@code factor} times the base unit of {@code dimension}. */
    record Unit(String dimension, Rational factor) { }

    /** By every usual name, in lower case where no other unit differs by case. */
    private static final Map<String, Unit> TABLE = table();

    private Units() { }

    /** Whether a plain word after a number is a unit. */
    static boolean isUnit(String word) {
        return TABLE.containsKey(word) || TABLE.containsKey(word.toLowerCase(Locale.ROOT));
    }

    /** The normal form of a unit's text, as {@code cm}, {@code square units}, {@code m/s}; empty for none. */
    static String normalise(String text) {
        String t = Text.collapse(text).toLowerCase(Locale.ROOT).replaceAll("[.]", "").strip();
        t = t.replaceFirst("^(?:sq|square) +(.+)$", "$1^2").replaceFirst("^(?:cu|cubic) +(.+)$", "$1^3");
        t = t.replaceFirst("^(.+?) +squared$", "$1^2").replaceFirst("^(.+?) +cubed$", "$1^3");
        t = t.replaceAll(" per ", "/").replaceAll(" */ *", "/").replace("**", "^").replaceAll(" *\\^ *", "^");
        t = t.replaceFirst("^units?(?:\\^[23])?$", "");
        return t;
    }

    /** The unit of a normal form: a known one, its power or a quotient of two; null for others. */
    static Unit find(String normal) {
        int slash = normal.indexOf('/');
        if (slash > 0) {
            Unit top = find(normal.substring(0, slash));
            Unit bottom = find(normal.substring(slash + 1));
            return top == null || bottom == null ? null
                    : new Unit(top.dimension + "/" + bottom.dimension, top.factor.over(bottom.factor));
        }
        int power = normal.indexOf('^');
        if (power > 0 && power == normal.length() - 2 && Character.isDigit(normal.charAt(power + 1))) {
            int n = normal.charAt(power + 1) - '0';
            Unit base = find(normal.substring(0, power));
            return base == null || n == 0 ? null : new Unit(base.dimension + "^" + n, base.factor.pow(n));
        }
        return switch (normal) {
            case "mph" -> find("mile/hour");
            case "kph", "kmh" -> find("km/hour");
            default -> TABLE.get(normal);
        };
    }

    /** The unit without the ending of a plural, for units that are words of any kind. */
    static String singular(String normal) {
        return normal.endsWith("ies") ? normal.substring(0, normal.length() - 3) + "y"
                : normal.endsWith("s") ? normal.substring(0, normal.length() - 1) : normal;
    }

    private static Map<String, Unit> table() {
        Map<String, Unit> map = new HashMap<>();
        put(map, "length", 1, 1, "m meter meters metre metres");
        put(map, "length", 1000, 1, "km kilometer kilometers kilometre kilometres kms");
        put(map, "length", 1, 100, "cm centimeter centimeters centimetre centimetres cms");
        put(map, "length", 1, 1000, "mm millimeter millimeters millimetre millimetres");
        put(map, "length", 254, 10000, "in inch inches");
        put(map, "length", 3048, 10000, "ft foot feet");
        put(map, "length", 9144, 10000, "yd yard yards yds");
        put(map, "length", 1609344, 1000, "mi mile miles");
        put(map, "time", 1, 1, "s sec secs second seconds");
        put(map, "time", 60, 1, "min mins minute minutes");
        put(map, "time", 3600, 1, "h hr hrs hour hours");
        put(map, "time", 86400, 1, "day days");
        put(map, "time", 604800, 1, "week weeks");
        put(map, "month", 1, 1, "month months");
        put(map, "month", 12, 1, "year years yr yrs");
        put(map, "mass", 1, 1, "g gram grams");
        put(map, "mass", 1000, 1, "kg kilogram kilograms kgs");
        put(map, "mass", 1, 1000, "mg milligram milligrams");
        put(map, "mass", 45359237, 100000, "lb lbs pound pounds");
        put(map, "mass", 45359237, 1600000, "oz ounce ounces");
        put(map, "volume", 1, 1, "l liter liters litre litres");
        put(map, "volume", 1, 1000, "ml milliliter milliliters");
        put(map, "cups", 1, 1, "cup cups");
        put(map, "cups", 16, 1, "gallon gallons gal");
        put(map, "money", 1, 1, "dollar dollars usd $ buck bucks");
        put(map, "money", 1, 100, "cent cents ¢");
        put(map, "euro", 1, 1, "euro euros eur €");
        put(map, "sterling", 1, 1, "£ gbp");
        put(map, "rupee", 1, 1, "rupee rupees rs ₹");
        put(map, "yen", 1, 1, "yen ¥");
        put(map, "yuan", 1, 1, "yuan rmb");
        put(map, "am", 1, 1, "am");
        put(map, "pm", 1, 1, "pm");
        put(map, "speed of miles", 1, 1, "mph");
        put(map, "speed of kilometers", 1, 1, "kph kmh");
        put(map, "radian", 1, 1, "rad rads radian radians");
        put(map, "people", 1, 1, "people person persons");
        put(map, "child", 1, 1, "child children");
        return Map.copyOf(map);
    }

    private static void put(Map<String, Unit> map, String dimension, long top, long bottom, String names) {
        for (String name : names.split(" ")) {
            map.put(name, new Unit(dimension, Rational.of(top, bottom)));
        }
    }
}
