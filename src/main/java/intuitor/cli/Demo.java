package intuitor.cli;

import intuitor.UserError;
import intuitor.device.CacheFolder;
import intuitor.recipe.Recipe;
import intuitor.train.GrpoConfig;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

/**
 * The model that comes along, its prompts and its recipe. In a checkout they are the files of the project; a jar that
 * stands alone carries them, and they are copied to the cache.
 */
final class Demo {

    private static final Path RECIPE = Path.of("recipes", "demo.yaml");
    /** Where the build puts the demo's files in the jar, under the names they have in the project. */
    private static final String IN_JAR = "demo/";

    private Demo() { }

    /** The demo's settings, with flags over them. The recipe's relative paths are those of the project. */
    static GrpoConfig settings(Map<String, String> flags) {
        Path root = root();
        GrpoConfig config = Recipe.read(GrpoConfig.class, root.resolve(RECIPE), flags);
        Map<String, String> paths = new HashMap<>();
        paths.put("model", root.resolve(config.model()).toString());
        paths.put("data", root.resolve(config.data()).toString());
        if (config.evalData() != null && !flags.containsKey("eval_data")) {
            paths.put("eval_data", root.resolve(config.evalData()).toString());
        }
        return Recipe.with(config, paths);
    }

    private static Path root() {
        Path program = Program.file();
        // target/intuitor-native.jar or target/classes of a checkout
        Path project = program.resolveSibling("..").normalize();
        if (Files.exists(project.resolve(RECIPE))) {
            return project;
        }
        try (JarFile jar = new JarFile(program.toFile())) {
            return unpack(jar, program);
        } catch (IOException e) {
            throw new UserError("cannot unpack the demo: " + e.getMessage()
                    + "; set INTUITOR_CACHE_DIR to a folder with room", e);
        }
    }

    /** Copies the demo's files, each atomically, into a folder that is named after their contents. */
    private static Path unpack(JarFile jar, Path program) throws IOException {
        List<JarEntry> entries = jar.stream().filter(e -> e.getName().startsWith(IN_JAR) && !e.isDirectory()).toList();
        if (entries.isEmpty()) {
            throw new UserError(program + " carries no demo: give a recipe, or --model and --data");
        }
        long contents = 0;
        for (JarEntry entry : entries) {
            contents = 31 * contents + entry.getCrc();
        }
        Path root = CacheFolder.path().resolve("demo-" + Long.toHexString(contents));
        for (JarEntry entry : entries) {
            Path file = root.resolve(entry.getName().substring(IN_JAR.length()));
            if (!Files.exists(file)) {
                try (InputStream in = jar.getInputStream(entry)) {
                    CacheFolder.copy(in, file);
                }
            }
        }
        return root;
    }
}
