package intuitor.experiment;

import intuitor.UserError;
import intuitor.recipe.KeySpec;
import intuitor.recipe.Recipe;
import intuitor.recipe.Spelling;
import intuitor.train.GrpoConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * Reads an experiment's YAML file: the keys of {@link ExperimentSettings} and
 * <pre>
 *   train:        {KEY: VALUE, ...}     what all runs share: keys of train
 *   tasks:        {NAME: FILE, ...}     held-out problems; the first task is the one that is trained on
 *   comparisons:                        a table and its pictures each
 *     - name:     NAME
 *       arms:     {NAME: {KEY: VALUE, ...}, ...}     what is different in each arm; may be left out
 *       grid:     {KEY: [VALUE, ...], ...}           every combination, of every arm; may be left out
 *       seeds:    [N, ...]                           some of the experiment's; all, if left out
 * </pre>
 * Arms of several comparisons with the same settings are the same runs.
 */
public final class ExperimentRecipe {

    private static final List<String> STRUCTURE = List.of("train", "tasks", "comparisons");
    private static final List<String> PARTS = List.of("name", "arms", "grid", "seeds");
    /** The experiment sets these. */
    private static final Set<String> OURS = Set.of("seed", "run_name", "output_dir");

    private final Path file;
    private final ExperimentSettings settings;
    private final Map<String, JsonNode> train;
    /** Names of run folders by settings, the folder's name apart. */
    private final Map<GrpoConfig, String> names = new HashMap<>();
    private final Set<String> taken = new HashSet<>();

    private ExperimentRecipe(Path file, ExperimentSettings settings, Map<String, JsonNode> train) {
        this.file = file;
        this.settings = settings;
        this.train = train;
    }

    /**
     * Reads a recipe.
     *
     * @param flags text by key name, put over the file's
     * @throws UserError that names the file and the place in it
     */
    public static Experiment read(Path file, Map<String, String> flags) {
        Map<String, JsonNode> yaml = Recipe.yaml(file);
        Map<String, JsonNode> plain = new LinkedHashMap<>(yaml);
        STRUCTURE.forEach(plain::remove);
        Stream<String> settingsKeys = Recipe.keys(ExperimentSettings.class).stream().map(KeySpec::name);
        requireKnown(file + ": ", plain.keySet(), Stream.concat(settingsKeys, STRUCTURE.stream()).toList());
        for (String key : STRUCTURE) {
            if (!yaml.containsKey(key)) {
                throw new UserError(file + ": " + key + " is missing; experiment --help shows what it holds");
            }
        }
        ExperimentSettings settings = Recipe.read(ExperimentSettings.class, plain, file + ": ", flags);
        Map<String, JsonNode> train = mapping(yaml.get("train"), file + ": train");
        return new ExperimentRecipe(file, settings, train).experiment(yaml);
    }

    private Experiment experiment(Map<String, JsonNode> yaml) {
        String where = file + ": train: ";
        requireFree(train.keySet(), where);
        GrpoConfig shared = Recipe.read(GrpoConfig.class, train, where, Map.of());
        if (shared.saveSteps() == 0) {
            throw new UserError(where + "save_steps: 0 leaves nothing to resume a stopped run from; give a number");
        }
        List<Comparison> comparisons = new ArrayList<>();
        Set<String> known = new HashSet<>();
        for (JsonNode node : list(yaml.get("comparisons"), file + ": comparisons")) {
            Comparison comparison = comparison(mapping(node, file + ": comparisons"));
            if (!known.add(comparison.name())) {
                throw new UserError(file + ": comparisons: two have the name '" + comparison.name() + "'");
            }
            comparisons.add(comparison);
        }
        return new Experiment(file, settings, shared, tasks(yaml.get("tasks")), comparisons);
    }

    private Map<String, Path> tasks(JsonNode node) {
        Map<String, Path> tasks = new LinkedHashMap<>();
        mapping(node, file + ": tasks").forEach((name, value) -> {
            Path problems = Path.of(value.asString());
            if (!value.isString() || !Files.isRegularFile(problems)) {
                throw new UserError(file + ": tasks: " + name + ": no such file " + value.asString()
                        + "; give a JSONL file of problems with answers");
            }
            tasks.put(name, problems);
        });
        if (tasks.isEmpty()) {
            throw new UserError(file + ": tasks: give at least one, as 'name: file'");
        }
        return tasks;
    }

    private Comparison comparison(Map<String, JsonNode> yaml) {
        String place = file + ": comparisons: ";
        if (!yaml.containsKey("name") || !yaml.get("name").isValueNode()) {
            throw new UserError(place + "one has no name");
        }
        String name = yaml.get("name").asString();
        String where = place + name + ": ";
        requireKnown(where, yaml.keySet(), PARTS);
        Map<String, Map<String, JsonNode>> arms = new LinkedHashMap<>();
        if (yaml.containsKey("arms")) {
            mapping(yaml.get("arms"), where + "arms")
                    .forEach((arm, node) -> arms.put(arm, node.isNull() ? Map.of() : mapping(node, where + arm)));
        } else {
            arms.put("", Map.of());
        }
        Map<String, List<JsonNode>> grid = new LinkedHashMap<>();
        if (yaml.containsKey("grid")) {
            mapping(yaml.get("grid"), where + "grid")
                    .forEach((key, node) -> grid.put(key, list(node, where + "grid: " + key)));
        } else if (!yaml.containsKey("arms")) {
            throw new UserError(where + "has neither arms nor a grid");
        }
        if (arms.isEmpty()) {
            throw new UserError(where + "arms: give at least one, as 'INTUITOR: {}'");
        }
        List<String> seeds = seeds(yaml.get("seeds"), where);
        List<Arm> all = new ArrayList<>();
        arms.forEach((arm, changes) ->
                Grid.points(grid).forEach(point -> all.add(arm(arm, changes, point, seeds, where))));
        return new Comparison(name, all);
    }

    private List<String> seeds(JsonNode node, String where) {
        if (node == null) {
            return settings.seeds();
        }
        Set<String> wanted = list(node, where + "seeds").stream().map(JsonNode::asString).collect(Collectors.toSet());
        return settings.seeds().stream().filter(wanted::contains).toList();
    }

    private Arm arm(String arm, Map<String, JsonNode> changes, Grid.Point point, List<String> seeds, String where) {
        String name = Stream.of(arm, point.name()).filter(s -> !s.isEmpty()).collect(Collectors.joining(", "));
        String place = where + name + ": ";
        Map<String, JsonNode> settled = new LinkedHashMap<>(train);
        for (Map<String, JsonNode> over : List.of(changes, point.values())) {
            requireFree(over.keySet(), place);
            if (over.containsKey("model")) {
                throw new UserError(place + "model: all runs begin with the same model; set it under train");
            }
            settled.putAll(over);
        }
        GrpoConfig unseeded = Recipe.read(GrpoConfig.class, settled, place, Map.of());
        String outputDir = new ExperimentFolder(settings.folder()).runs().toString();
        List<PlannedRun> runs = new ArrayList<>();
        for (String seed : seeds) {
            GrpoConfig config = Recipe.with(unseeded, Map.of("seed", seed));
            String folder = names.computeIfAbsent(config, c -> free(name + "-seed-" + seed));
            runs.add(new PlannedRun(folder,
                    Recipe.with(config, Map.of("run_name", folder, "output_dir", outputDir))));
        }
        return new Arm(name, runs);
    }

    /** A name for a folder that no other run has. */
    private String free(String wanted) {
        String name = wanted.replaceAll("[^\\w.-]+", "-").replaceAll("^-+", "");
        while (!taken.add(name)) {
            name += "-b";
        }
        return name;
    }

    private static void requireFree(Set<String> keys, String where) {
        for (String key : keys) {
            if (OURS.contains(key)) {
                throw new UserError(where + key + ": the experiment sets it; leave it out"
                        + (key.equals("seed") ? ", and list seeds instead" : ""));
            }
        }
    }

    private static void requireKnown(String where, Set<String> keys, List<String> known) {
        for (String key : keys) {
            if (!known.contains(key)) {
                throw new UserError(where + key + ": unknown key" + Spelling.hint(key, known));
            }
        }
    }

    private static Map<String, JsonNode> mapping(JsonNode node, String where) {
        if (!node.isObject()) {
            throw new UserError(where + ": expected lines of the form 'key: value', found " + node);
        }
        Map<String, JsonNode> entries = new LinkedHashMap<>();
        node.properties().forEach(e -> entries.put(e.getKey(), e.getValue()));
        return entries;
    }

    private static List<JsonNode> list(JsonNode node, String where) {
        if (!node.isArray() || node.isEmpty()) {
            throw new UserError(where + ": expected a list, as [1, 2], found " + node);
        }
        List<JsonNode> items = new ArrayList<>();
        node.forEach(items::add);
        return items;
    }
}
