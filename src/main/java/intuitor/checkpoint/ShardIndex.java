package intuitor.checkpoint;

import intuitor.Json;
import intuitor.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeSet;
import tools.jackson.core.JacksonException;
import tools.jackson.core.PrettyPrinter;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.util.DefaultPrettyPrinter;
import tools.jackson.core.util.Separators;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Which shard each tensor of a large model is in: {@code model.safetensors.index.json}, as transformers writes it.
 *
 * @param weightMap file name by tensor name
 */
record ShardIndex(Map<String, String> weightMap) {

    static final String FILE = "model.safetensors.index.json";

    /** As Python's json.dumps(indent=2) puts it: no space before a colon. */
    private static final PrettyPrinter PYTHONS_INDENTATION = new DefaultPrettyPrinter()
            .withSeparators(PrettyPrinter.DEFAULT_SEPARATORS.withObjectNameValueSpacing(Separators.Spacing.AFTER));

    private static final JsonMapper JSON =
            JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

    /** Reads a model folder's index; a {@link UserError} where it is not one. */
    static ShardIndex read(Path folder) {
        Path file = folder.resolve(FILE);
        JsonNode map = parse(file).path("weight_map");
        if (!map.isObject() || map.isEmpty()) {
            throw new UserError(file + " has no weight_map");
        }
        var weightMap = new LinkedHashMap<String, String>();
        map.forEachEntry((name, shard) -> {
            if (!shard.isString() || !isFileName(shard.stringValue())) {
                throw new UserError(file + ": tensor '" + name + "' is in " + shard + ", which is not a file name");
            }
            weightMap.put(name, shard.stringValue());
        });
        return new ShardIndex(Collections.unmodifiableMap(weightMap));
    }

    private static JsonNode parse(Path file) {
        try {
            return JSON.readTree(Files.readString(file));
        } catch (IOException e) {
            throw UserError.of("cannot read " + file, e);
        } catch (JacksonException e) {
            throw new UserError(file + " is not valid JSON: " + Json.complaint(e), e);
        }
    }

    /** A shard lies in the model's folder: an index must not lead the reader elsewhere. */
    private static boolean isFileName(String name) {
        return !name.isEmpty() && !name.contains("/") && !name.contains("\\") && !name.equals("..")
                && !name.equals(".") && name.indexOf('\0') < 0;
    }

    SortedSet<String> shards() {
        return new TreeSet<>(weightMap.values());
    }

    /** The index's text, as transformers formats it: sorted, indented by two. */
    static String format(SortedMap<String, String> weightMap, long totalBytes) {
        ObjectNode index = JSON.createObjectNode();
        index.putObject("metadata").put("total_size", totalBytes);
        ObjectNode map = index.putObject("weight_map");
        weightMap.forEach(map::put);
        return JSON.writer().with(PYTHONS_INDENTATION).writeValueAsString(index) + "\n";
    }
}
