package intuitor.checkpoint;

import intuitor.checkpoint.SafetensorsWriter.Entry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;

/**
 * Writes a model's tensors into a folder as transformers does: one {@code model.safetensors} if they fit under a size
 * limit, else {@code model-00001-of-0000N.safetensors} and so on, with an index that says where each tensor is.
 */
public final class ShardedWriter {

    private ShardedWriter() {}

    /**
     * The folder must be the writer's own (a temporary one that {@link AtomicFiles#writeFolder} publishes): each file
     * is atomic, the set of them is not.
     *
     * @param tensors in the order in which they fill the shards
     * @param maxShardBytes of tensor data; a larger tensor has a shard of its own
     */
    public static void write(Path folder, List<Entry> tensors, long maxShardBytes) {
        List<List<Entry>> shards = split(tensors, maxShardBytes);
        if (shards.size() == 1) {
            SafetensorsWriter.write(folder.resolve(ModelFolder.SINGLE), shards.getFirst(), SafetensorsWriter.METADATA);
            return;
        }
        var weightMap = new TreeMap<String, String>();
        for (int i = 0; i < shards.size(); i++) {
            String name = String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", i + 1, shards.size());
            SafetensorsWriter.write(folder.resolve(name), shards.get(i), SafetensorsWriter.METADATA);
            for (Entry tensor : shards.get(i)) {
                weightMap.put(tensor.name(), name);
            }
        }
        long totalBytes = tensors.stream().mapToLong(Entry::bytes).sum();
        AtomicFiles.writeString(folder.resolve(ShardIndex.FILE), ShardIndex.format(weightMap, totalBytes));
    }

    /** Fills shards in order, as transformers' split_torch_state_dict_into_shards. There is always one, if empty. */
    private static List<List<Entry>> split(List<Entry> tensors, long maxShardBytes) {
        var shards = new ArrayList<List<Entry>>();
        var current = new ArrayList<Entry>();
        long bytes = 0;
        for (Entry tensor : tensors) {
            if (tensor.bytes() > maxShardBytes) {
                shards.add(List.of(tensor));
                continue;
            }
            if (bytes + tensor.bytes() > maxShardBytes) {
                shards.add(current);
                current = new ArrayList<>();
                bytes = 0;
            }
            current.add(tensor);
            bytes += tensor.bytes();
        }
        if (!current.isEmpty() || shards.isEmpty()) {
            shards.add(current);
        }
        return shards;
    }
}
