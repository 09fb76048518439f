package intuitor.text.jinja;

import java.util.ArrayList;
import java.util.List;

/** Arithmetic, and what + and * do with text and lists. */
final class Operators {

    /** A string or list may not be multiplied to more than this. */
    private static final long MAX_LENGTH = 1 << 20;

    private Operators() {}

    static Object apply(String operator, Object a, Object b) {
        if (operator.equals("~")) {
            return Values.text(a) + Values.text(b);
        }
        requireDefined(a);
        requireDefined(b);
        if (operator.equals("+") && a instanceof String x && b instanceof String y) {
            return x + y;
        }
        if (operator.equals("+") && a instanceof List<?> x && b instanceof List<?> y) {
            var both = new ArrayList<Object>(x);
            both.addAll(y);
            return both;
        }
        if (operator.equals("*") && Values.isNumber(b) && (a instanceof String || a instanceof List<?>)) {
            return repeat(a, Values.integer(b));
        }
        if (operator.equals("*") && Values.isNumber(a) && (b instanceof String || b instanceof List<?>)) {
            return repeat(b, Values.integer(a));
        }
        if (!Values.isNumber(a) || !Values.isNumber(b)) {
            throw new TemplateException(
                    "cannot compute " + Values.typeName(a) + " " + operator + " " + Values.typeName(b));
        }
        try {
            return a instanceof Double || b instanceof Double || operator.equals("/")
                    ? (Object) real(operator, Values.real(a), Values.real(b))
                    : integer(operator, Values.integer(a), Values.integer(b));
        } catch (ArithmeticException e) {
            throw new TemplateException("cannot compute " + a + " " + operator + " " + b + ": " + e.getMessage());
        }
    }

    static Object negate(Object value) {
        return value instanceof Double d ? (Object) (-d) : (Object) Math.negateExact(Values.integer(value));
    }

    private static Object integer(String operator, long a, long b) {
        return switch (operator) {
            case "+" -> Math.addExact(a, b);
            case "-" -> Math.subtractExact(a, b);
            case "*" -> Math.multiplyExact(a, b);
            case "//" -> Math.floorDiv(a, b);
            case "%" -> Math.floorMod(a, b);
            case "**" -> b < 0 ? (Object) Math.pow(a, b) : (Object) power(a, b);
            default -> throw new IllegalStateException(operator);
        };
    }

    private static long power(long a, long b) {
        long result = 1;
        for (long i = 0; i < b && Math.abs(a) > 1; i++) {
            result = Math.multiplyExact(result, a);
        }
        return Math.abs(a) > 1 ? result : a == -1 && b % 2 == 0 || b == 0 ? 1 : a;
    }

    private static double real(String operator, double a, double b) {
        if (b == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
            throw new ArithmeticException("division by zero");
        }
        return switch (operator) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "/" -> a / b;
            case "//" -> Math.floor(a / b);
            case "%" -> a - b * Math.floor(a / b);
            case "**" -> Math.pow(a, b);
            default -> throw new IllegalStateException(operator);
        };
    }

    private static Object repeat(Object value, long times) {
        long n = Math.max(0, times);
        if (n > MAX_LENGTH / Math.max(1, Values.length(value))) {
            throw new TemplateException("a result that is too long: " + Values.typeName(value) + " * " + times);
        }
        if (value instanceof String s) {
            return s.repeat((int) n);
        }
        var repeated = new ArrayList<Object>();
        for (long i = 0; i < n; i++) {
            repeated.addAll((List<?>) value);
        }
        return repeated;
    }

    private static void requireDefined(Object value) {
        if (value instanceof Undefined undefined) {
            throw undefined.asException();
        }
    }
}
