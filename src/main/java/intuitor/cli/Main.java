package intuitor.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command line: {@code intuitor COMMAND ...}. */
@Command(name = "intuitor", mixinStandardHelpOptions = true, version = "intuitor 0.1.0",
        description = "Trains language models with reinforcement learning from their own self-certainty.")
public final class Main {
    private Main() {
    }

    public static void main(String[] args) {
        System.exit(new CommandLine(new Main()).execute(args));
    }
}
