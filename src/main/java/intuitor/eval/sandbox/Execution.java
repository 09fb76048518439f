package intuitor.eval.sandbox;

/**
 * How a program ended.
 *
 * @param ending  why it ended
 * @param output  what it wrote to standard output, or the result's JSON (UTF-8, malformed bytes replaced)
 * @param error   the end of what it wrote to standard error, at most {@link #ERROR_CHARACTERS}
 * @param seconds wall-clock time, starting Python included
 */
public record Execution(Ending ending, String output, String error, double seconds) {

    static final int ERROR_CHARACTERS = 2000;

    /** Why a program ended. */
    public enum Ending {
        /** By itself, without an exception. */
        FINISHED,
        /** An exception, or a signal: out of memory, stack overflow, not allowed. */
        FAILED,
        /** It ran too long, or took too much processor time. */
        TIMED_OUT,
        /** It wrote more than it may. */
        TOO_MUCH_OUTPUT
    }

    /** The last line of the error output, where Python says what was raised. */
    public String complaint() {
        String text = error.strip();
        return text.substring(text.lastIndexOf('\n') + 1);
    }
}
