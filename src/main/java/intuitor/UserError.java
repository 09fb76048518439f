package intuitor;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

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

    /**
     * What could not be done with a file, and why; Java leaves some of the reasons to the exception's class.
     *
     * @param what "cannot read FILE"
     */
    public static UserError of(String what, IOException e) {
        String reason = switch (e) {
            case AccessDeniedException denied -> "permission denied" + other(denied, what);
            case NoSuchFileException missing -> "no such file or folder" + other(missing, what);
            case NotDirectoryException file -> "not a folder" + other(file, what);
            case FileAlreadyExistsException taken -> "there is a file of that name" + other(taken, what);
            case FileSystemException f when f.getReason() != null -> f.getReason() + other(f, what);
            case FileSystemException f -> f.getClass().getSimpleName() + other(f, what);
            default -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        };
        return new UserError(what + ": " + reason, e);
    }

    /** The file, where it is another than the message names. */
    private static String other(FileSystemException e, String what) {
        return e.getFile() == null || what.endsWith(e.getFile()) ? "" : ": " + e.getFile();
    }

    /** Text quoted from a file or a library may hold line breaks; the user gets one line all the same. */
    private static String oneLine(String message) {
        return message.strip().replaceAll("\\s*\\R\\s*", " ");
    }
}
