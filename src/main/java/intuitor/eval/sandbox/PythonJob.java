package intuitor.eval.sandbox;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A program for the sandbox.
 *
 * @param mode  what its result is
 * @param parts the code, and what else the mode needs, by the names that {@code harness.py} knows
 * @param input its standard input
 */
public record PythonJob(Mode mode, Map<String, String> parts, String input) {

    /** What the result of a program is. */
    public enum Mode {
        SCRIPT, CALL, EXPRESSION
    }

    /** The code as {@code __main__}: the result is what it prints. */
    public static PythonJob script(String code, String input) {
        return new PythonJob(Mode.SCRIPT, Map.of("code", code), input);
    }

    /**
     * A function of the code, or a method of its {@code class Solution}: the result is its value as
     * {@link PythonValue}.
     *
     * @param arguments JSON values, one a line
     */
    public static PythonJob call(String code, String function, String arguments) {
        Map<String, String> parts = new LinkedHashMap<>();
        parts.put("code", code);
        parts.put("function", function);
        return new PythonJob(Mode.CALL, parts, arguments);
    }

    /**
     * An expression that is one call of a function of the code, as the left side of {@code assert f(...) == output} is,
     * and nothing around it: another expression fails. The result is its value as {@link PythonValue}.
     */
    public static PythonJob application(String code, String function, String expression) {
        Map<String, String> parts = new LinkedHashMap<>();
        parts.put("code", code);
        parts.put("function", function);
        parts.put("expression", expression);
        return new PythonJob(Mode.EXPRESSION, parts, "");
    }

    /** An expression that may use the code's names: the result is its value as {@link PythonValue}. */
    public static PythonJob expression(String code, String expression) {
        Map<String, String> parts = new LinkedHashMap<>();
        parts.put("code", code);
        parts.put("expression", expression);
        return new PythonJob(Mode.EXPRESSION, parts, "");
    }
}
