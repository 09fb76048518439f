package intuitor;

/**
 * Something that the person at the keyboard can put right: a missing file, a bad option, a damaged checkpoint.
 *
 * <p>The message is one line that says what is wrong, where, and, if it is not obvious, what to do. The command line
 * prints it after {@code error: } without a stack trace and exits with status 2. A fault of the program itself is never
 * a UserError.
 */
public final class UserError extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public UserError(String message) {
        super(oneLine(message));
    }

    public UserError(String message, Throwable cause) {
        super(oneLine(message), cause);
    }

    /** Text quoted from a file or a library may hold line breaks; the user gets one line all the same. */
    private static String oneLine(String message) {
        return message.strip().replaceAll("\\s*\\R\\s*", " ");
    }
}
