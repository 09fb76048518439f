package intuitor.cli;

import intuitor.UserError;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * Turns what went wrong into one line and an exit status: 2 for what the user can put right, 1 for a fault of the
 * program, whose stack trace goes to a file.
 */
final class Errors implements IParameterExceptionHandler, IExecutionExceptionHandler {

    static final int FAULT = 1;
    static final int USER = 2;

    private final Path logFolder;

    /** @param logFolder where stack traces are written; the system's temporary folder stands in for it if need be */
    Errors(Path logFolder) {
        this.logFolder = logFolder;
    }

    @Override
    public int handleParseException(ParameterException e, String[] args) {
        CommandLine command = e.getCommandLine();
        String message = e.getMessage().strip();
        if (e instanceof UnmatchedArgumentException unmatched) {
            List<String> similar = unmatched.getSuggestions();
            message += similar.isEmpty() ? "" : "; did you mean " + similar.get(0) + "?";
        }
        return user(message + " (see " + command.getCommandSpec().qualifiedName() + " --help)", command.getErr());
    }

    @Override
    public int handleExecutionException(Exception e, CommandLine command, ParseResult parsed) {
        return e instanceof UserError ? user(e.getMessage(), command.getErr()) : fault(e, command.getErr());
    }

    private static int user(String message, PrintWriter err) {
        err.println("error: " + message.replaceAll("\\s*\\R\\s*", " "));
        return USER;
    }

    /** A fault of the program: one line for the user, the stack trace for whoever mends it. */
    int fault(Throwable e, PrintWriter err) {
        String what = e.getClass().getSimpleName() + (e.getMessage() == null ? "" : ": " + e.getMessage());
        err.println("internal error: " + what.replaceAll("\\s*\\R\\s*", " ") + " (" + writeTrace(e) + ")");
        return FAULT;
    }

    private String writeTrace(Throwable e) {
        StringWriter trace = new StringWriter();
        e.printStackTrace(new PrintWriter(trace));
        String name = "intuitor-error-" + DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss").format(LocalDateTime.now())
                + ".log";
        for (Path folder : List.of(logFolder, Path.of(System.getProperty("java.io.tmpdir")))) {
            try {
                return "stack trace in " + Files.writeString(folder.resolve(name), trace.toString());
            } catch (IOException unwritable) {
                // try the next folder
            }
        }
        return "its stack trace could not be written";
    }
}
