package intuitor.recipe;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** An interval of numbers in the usual notation: {@code [0, 1)}, {@code (0, inf)}. */
record Interval(String text, double low, boolean lowOpen, double high, boolean highOpen) {

    private static final Pattern FORM = Pattern.compile("([\\[(])\\s*(\\S+)\\s*,\\s*(\\S+?)\\s*([])])");

    static Interval parse(String text) {
        Matcher m = FORM.matcher(text);
        if (!m.matches()) {
            throw new IllegalArgumentException("not an interval: " + text);
        }
        return new Interval(text, bound(m.group(2)), m.group(1).equals("("), bound(m.group(3)), m.group(4).equals(")"));
    }

    private static double bound(String text) {
        return switch (text) {
            case "inf" -> Double.POSITIVE_INFINITY;
            case "-inf" -> Double.NEGATIVE_INFINITY;
            default -> Double.parseDouble(text);
        };
    }

    boolean contains(double x) {
        return (lowOpen ? x > low : x >= low) && (highOpen ? x < high : x <= high);
    }

    @Override
    public String toString() {
        return text;
    }
}
