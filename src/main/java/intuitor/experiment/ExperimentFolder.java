package intuitor.experiment;

import intuitor.UserError;
import intuitor.checkpoint.AtomicFiles;
import intuitor.checkpoint.FolderLock;
import intuitor.checkpoint.RunOrigin;
import intuitor.recipe.Recipe;
import intuitor.train.GrpoConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * The folder of an experiment:
 * <pre>
 *   experiment.yaml        its recipe              recipes/NAME.yaml       the settings of each run, a recipe for train
 *   runs/NAME/             the runs                logs/NAME.log           what train said
 *   evaluations/NAME.json  on the held-out tasks   report.md, report.html, pictures/, results.csv, curves.csv
 * </pre>
 */
public record ExperimentFolder(Path path) {

    /** Takes the folder for this process, making it where there is none. */
    FolderLock take() {
        List<Path> folders =
                List.of(runs(), path.resolve("recipes"), path.resolve("logs"), path.resolve("evaluations"));
        try {
            for (Path folder : folders) {
                Files.createDirectories(folder);
            }
        } catch (IOException e) {
            throw UserError.of("cannot write to " + path, e);
        }
        FolderLock lock = FolderLock.take(path)
                .orElseThrow(() -> new UserError(path + " is in use: another process runs this experiment"));
        try {
            folders.forEach(AtomicFiles::recover); // not before: what another process is writing must stay
            return lock;
        } catch (RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    Path runs() {
        return path.resolve("runs");
    }

    /** The folder of a run. */
    public Path run(PlannedRun run) {
        return runs().resolve(run.name());
    }

    Path recipe(PlannedRun run) {
        return path.resolve("recipes").resolve(run.name() + ".yaml");
    }

    Path log(PlannedRun run) {
        return path.resolve("logs").resolve(run.name() + ".log");
    }

    /** What a model came to: a run's, or the base's by {@link #baseName}. */
    public Path evaluation(String name) {
        return path.resolve("evaluations").resolve(name + ".json");
    }

    /** As which the base is evaluated with a seed. */
    public static String baseName(long seed) {
        return "base-seed-" + seed;
    }

    /** Whether the run is trained and evaluated. */
    public boolean isFinished(PlannedRun run) {
        return isTrained(run) && Files.exists(evaluation(run.name()));
    }

    boolean isTrained(PlannedRun run) {
        return Files.exists(run(run).resolve("summary.json"));
    }

    /** Whether the run was begun, so that {@code train --resume} goes on with it. */
    boolean isStarted(PlannedRun run) {
        return Files.exists(run(run).resolve("config.yaml"));
    }

    /** Notes the recipe as it is now. */
    void keepRecipe(Path file) {
        try {
            AtomicFiles.writeString(path.resolve("experiment.yaml"), Files.readString(file));
        } catch (IOException e) {
            throw UserError.of("cannot read " + file, e);
        }
    }

    /**
     * Writes the run's recipe; a {@link UserError} if the folder has a run of that name with other settings, or one
     * that began with another model or other data.
     *
     * @param model  {@link intuitor.checkpoint.Digests#ofModel} of the base
     * @param digest {@link intuitor.checkpoint.Digests#of}, or what it said before
     */
    void settle(PlannedRun run, Map<String, String> model, Function<Path, String> digest) {
        Path file = recipe(run);
        if (!Files.exists(file)) {
            AtomicFiles.writeString(file, Recipe.write(run.config()));
        } else if (!hasSettings(run)) {
            throw new UserError(file + ": this run was begun with other settings than the recipe now has; give the "
                    + "experiment another --name, or remove " + path);
        }
        if (isStarted(run)) {
            GrpoConfig config = run.config();
            RunOrigin.read(run(run)).changed(model, config.data(), config.evalData(), config.probeData(), digest)
                    .stream().findFirst().ifPresent(changed -> {
                        throw new UserError(run(run) + " was made before " + changed + " changed; put the old one "
                                + "back, or remove the run");
                    });
        }
    }

    /**
     * Whether the run of this name was begun with these settings; a {@link UserError} if what it was begun with is
     * gone, or cannot be read any more.
     */
    public boolean hasSettings(PlannedRun run) {
        GrpoConfig begun = Recipe.read(GrpoConfig.class, recipe(run), Map.of());
        return Recipe.with(begun, leftOpen(run.config())).equals(run.config());
    }

    /** The keys that the memory decides, where nothing else does: any value that a run was begun with will do. */
    private static Map<String, String> leftOpen(GrpoConfig config) {
        Map<String, String> open = new HashMap<>();
        if (config.kvCacheMib() == 0) {
            open.put("kv_cache_mib", "0");
        }
        if (config.microBatchTokens() == 0) {
            open.put("micro_batch_tokens", "0");
        }
        return open;
    }
}
