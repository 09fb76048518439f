package intuitor.experiment;

import java.nio.file.Path;
import java.util.List;
import java.util.function.BooleanSupplier;

/** Makes training runs. */
public interface Trainer {

    /**
     * Runs {@code train} to its end, or until a stop is requested; in that case it has written a checkpoint first.
     *
     * @param arguments of {@code train}: a recipe and flags, or {@code --resume RUN}
     * @param log       file that what it says is added to
     * @return exit status
     */
    int train(List<String> arguments, Path log, BooleanSupplier stop);
}
