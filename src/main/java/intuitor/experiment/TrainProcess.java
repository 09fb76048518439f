package intuitor.experiment;

import intuitor.UserError;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * Each run in a process of its own, as the same program under the same Java: a run that runs out of memory or diverges
 * takes no other with it, and a stop is the signal that {@code train} knows.
 */
public final class TrainProcess implements Trainer {

    private static final String MAIN = "intuitor.cli.Main";
    private static final long POLL_MILLIS = 100;

    @Override
    public int train(List<String> arguments, Path log, BooleanSupplier stop) {
        List<String> command = new ArrayList<>(java());
        command.add("train");
        command.addAll(arguments);
        try {
            Process process = new ProcessBuilder(command).redirectInput(Redirect.from(Path.of("/dev/null").toFile()))
                    .redirectErrorStream(true).redirectOutput(Redirect.appendTo(log.toFile())).start();
            return await(process, stop);
        } catch (IOException e) {
            throw UserError.of("cannot start " + command.getFirst(), e);
        }
    }

    private static int await(Process process, BooleanSupplier stop) {
        boolean told = false;
        while (true) {
            try {
                if (process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
                    return process.exitValue();
                }
            } catch (InterruptedException e) {
                // keep waiting: the run must not be left behind
            }
            if (stop.getAsBoolean() && !told) {
                process.destroy(); // SIGTERM
                told = true;
            }
        }
    }

    /** This process's Java, with its options and class path. */
    private static List<String> java() {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        for (String option : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            if (option.startsWith("-X") || option.startsWith("-Dintuitor.")) {
                command.add(option);
            }
        }
        command.add("--enable-native-access=ALL-UNNAMED");
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        command.add(MAIN);
        return command;
    }
}
