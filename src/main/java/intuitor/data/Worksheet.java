package intuitor.data;

import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Drill of the facts that careful solutions rest on: twelve random sums, differences, products and quotients of digits.
 */
final class Worksheet {
    private static final int FACTS = 12;

    private Worksheet() { }

    static String write(Choice choice) {
        return IntStream.range(0, FACTS).mapToObj(i -> fact(choice)).collect(Collectors.joining(", ", " ", "."));
    }

    private static String fact(Choice choice) {
        String operator = choice.pick("+", "-", "*", "/");
        int low = operator.equals("+") || operator.equals("-") ? 0 : 2;
        int a = choice.number(low, 9);
        int b = choice.number(low, 9);
        return switch (operator) {
            case "+" -> a + " + " + b + " = " + (a + b);
            case "-" -> (a + b) + " - " + b + " = " + a;
            case "*" -> a + " * " + b + " = " + a * b;
            default -> a * b + " / " + a + " = " + b;
        };
    }
}
