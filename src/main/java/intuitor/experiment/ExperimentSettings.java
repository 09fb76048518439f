package intuitor.experiment;

import intuitor.recipe.Key;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;

/** The plain keys of an experiment's recipe, and the flags of {@code experiment}. */
public record ExperimentSettings(

        @Key(required = true, help = "name of the experiment and of its folder")
        String name,
        @Key(value = "runs", help = "folder that holds the folders of experiments")
        Path outputDir,
        @Key(value = "1", range = "[1, 1024]",
                help = "runs at once; each has the threads that train says, and plans with an equal part of the memory")
        int parallel,
        @Key(value = "", help = "every arm is run once with each of these")
        List<String> seeds) {

    public ExperimentSettings {
        require(name.matches("[\\w.-]*\\w[\\w.-]*"),
                "name: letters, digits, '_', '-' and '.' only, found '" + name + "'");
        require(!seeds.isEmpty(), "seeds: give at least one, as [1, 2, 3]");
        for (String seed : seeds) {
            require(seed.matches("-?\\d{1,18}"), "seeds: expected whole numbers, found '" + seed + "'");
        }
        require(new HashSet<>(seeds).size() == seeds.size(), "seeds: one is named twice");
    }

    /** The folder of the experiment. */
    public Path folder() {
        return outputDir.resolve(name);
    }

    private static void require(boolean holds, String message) {
        if (!holds) {
            throw new IllegalArgumentException(message);
        }
    }
}
