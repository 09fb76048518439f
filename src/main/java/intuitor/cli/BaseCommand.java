package intuitor.cli;

import intuitor.UserError;
import intuitor.report.ProgressLine;
import intuitor.train.StopSignal;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * What all commands share: {@code --help}, {@code --version}, and where they print. {@code call} returns the exit
 * status.
 */
@Command(
        versionProvider = Main.Version.class,
        sortOptions = false,
        usageHelpWidth = 110,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        parameterListHeading = "%nArguments:%n",
        commandListHeading = "%nCommands:%n",
        descriptionHeading = "%n")
abstract class BaseCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "show this help and exit")
    private boolean help;

    @Option(names = {"-V", "--version"}, versionHelp = true, description = "print the version and exit")
    private boolean version;

    final CommandSpec spec() {
        return spec;
    }

    /** Whether an option was written on the command line, be it with its default value. */
    final boolean isGiven(String option) {
        return spec.commandLine().getParseResult().hasMatchedOption(option);
    }

    /** Refuses an option that does nothing without another one. */
    final void requireUse(String option, boolean used, String needed) {
        if (isGiven(option) && !used) {
            throw new UserError(option + ": does nothing without " + needed);
        }
    }

    /** The work of a command that Ctrl-C stops in good order; returns the exit status. */
    @FunctionalInterface
    interface Stoppable {
        int run(ProgressLine progress, StopSignal stop);
    }

    /** Does the work, and says how it went before a signal would end the process at any moment again. */
    final int stoppable(Stoppable work) throws Exception {
        ProgressLine progress = ProgressLine.onStandardError();
        StopSignal stop = new StopSignal();
        try (InterruptHandler handler = InterruptHandler.install(stop, progress)) {
            try {
                return work.run(progress, stop);
            } catch (RuntimeException e) {
                progress.end();
                return reportFailure(e);
            } finally {
                out().flush();
                err().flush();
            }
        }
    }

    /** Says what went wrong, now, and returns the exit status. */
    private int reportFailure(Exception e) throws Exception {
        CommandLine line = spec.commandLine();
        return line.getExecutionExceptionHandler().handleExecutionException(e, line, line.getParseResult());
    }

    /** For results. */
    final PrintWriter out() {
        return spec.commandLine().getOut();
    }

    /** For progress, hints and complaints. */
    final PrintWriter err() {
        return spec.commandLine().getErr();
    }
}
