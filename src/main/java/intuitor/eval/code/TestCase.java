package intuitor.eval.code;

/**
 * A test of a program.
 *
 * @param input  its standard input; for a function, its arguments as JSON, one a line
 * @param output the expected standard output; for a function, its value as JSON
 */
public record TestCase(String input, String output) { }
