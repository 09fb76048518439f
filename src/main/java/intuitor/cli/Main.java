package intuitor.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IVersionProvider;

/**
 * The command line: {@code intuitor COMMAND ...}. Exit status 0: done, 1: a fault of the program, 2: a user's error,
 * 3: a training that its monitor stopped.
 */
@Command(
        name = "intuitor",
        versionProvider = Main.Version.class,
        subcommands = {
            TrainCommand.class, PretrainCommand.class, GenerateCommand.class, EvalCommand.class, ScoreCommand.class,
            ExperimentCommand.class, BenchCommand.class, ProblemsCommand.class, DoctorCommand.class,
            HelpCommand.class
        },
        description = "Trains language models by reinforcement learning from their own self-certainty (Intuitor).",
        footer = {
            "",
            "First steps:",
            "  intuitor doctor              what this machine has, and what is missing",
            "  intuitor train               train the small model that comes along: about two minutes",
            "  intuitor train --help        every setting of a run"
        })
public final class Main extends BaseCommand {

    /** Columns of the help's option names; longer ones push their text to the next line. */
    private static final int LABEL_WIDTH = 40;

    private Main() {
    }

    public static void main(String[] args) {
        PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
        System.exit(run(out, err, args));
    }

    /** Runs one command line and returns its exit status. */
    static int run(PrintWriter out, PrintWriter err, String... args) {
        Errors errors = new Errors(Path.of(""));
        CommandLine line = new CommandLine(new Main())
                .setOut(out)
                .setErr(err)
                .setExpandAtFiles(false)
                .setUsageHelpAutoWidth(true)
                .setUsageHelpLongOptionsMaxWidth(LABEL_WIDTH)
                .setParameterExceptionHandler(errors)
                .setExecutionExceptionHandler(errors);
        try {
            return line.execute(args);
        } catch (Error e) { // out of memory, a library that does not load: picocli hands on exceptions only
            return errors.fault(e, err);
        } finally {
            out.flush();
            err.flush();
        }
    }

    @Override
    public Integer call() {
        spec().commandLine().usage(out());
        return CommandLine.ExitCode.OK;
    }

    /** The version that the build wrote into the jar's manifest. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Main.class.getPackage().getImplementationVersion();
            return new String[] {"intuitor " + (version == null ? "(not packaged)" : version)};
        }
    }
}
