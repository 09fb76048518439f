package intuitor.checkpoint;

import intuitor.UserError;
import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model as Hugging Face stores it: a folder with {@code config.json}, a tokenizer, and weights in one
 * {@code model.safetensors} or in shards with an index. Opening checks every header and the index; the weights are read
 * as they are loaded.
 */
public final class ModelFolder implements AutoCloseable {

    /** Weights in one file. */
    static final String SINGLE = "model.safetensors";

    private static final String CONFIG = "config.json";

    /** Everything beside the weights that a model needs to be used again. */
    private static final List<String> SETTINGS = List.of(
            CONFIG,
            "generation_config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "added_tokens.json",
            "vocab.json",
            "merges.txt",
            "chat_template.jinja");

    private final Path folder;
    private final List<SafetensorsFile> files;
    private final Map<String, SafetensorsFile> fileOf = new LinkedHashMap<>();
    private final Map<String, TensorEntry> tensors = new LinkedHashMap<>();

    private ModelFolder(Path folder, List<SafetensorsFile> files) {
        this.folder = folder;
        this.files = files;
    }

    /** Opens a model's folder; a {@link UserError} says what is missing or damaged. */
    public static ModelFolder open(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new UserError("no such model folder: " + folder);
        }
        if (!Files.exists(folder.resolve(CONFIG))) {
            throw new UserError(folder + " is not a model folder: it has no " + CONFIG);
        }
        // transformers looks for the single file first, too
        if (Files.exists(folder.resolve(SINGLE))) {
            return openSingle(folder);
        }
        if (Files.exists(folder.resolve(ShardIndex.FILE))) {
            return openShards(folder, ShardIndex.read(folder));
        }
        if (Files.exists(folder.resolve("pytorch_model.bin"))
                || Files.exists(folder.resolve("pytorch_model.bin.index.json"))) {
            throw new UserError(folder + " has PyTorch weights only (.bin): convert them to safetensors");
        }
        throw new UserError(folder + " has no weights: neither " + SINGLE + " nor " + ShardIndex.FILE);
    }

    private static ModelFolder openSingle(Path folder) {
        SafetensorsFile file = SafetensorsFile.open(folder.resolve(SINGLE));
        var model = new ModelFolder(folder, List.of(file));
        file.tensors().values().forEach(tensor -> model.add(tensor, file));
        return model;
    }

    private static ModelFolder openShards(Path folder, ShardIndex index) {
        var model = new ModelFolder(folder, new ArrayList<>());
        try {
            var opened = new LinkedHashMap<String, SafetensorsFile>();
            for (String shard : index.shards()) {
                if (!Files.exists(folder.resolve(shard))) {
                    throw new UserError(folder + " is incomplete: its index names " + shard + ", which is not there");
                }
                SafetensorsFile file = SafetensorsFile.open(folder.resolve(shard));
                opened.put(shard, file);
                model.files.add(file);
            }
            index.weightMap().forEach((name, shard) -> {
                SafetensorsFile file = opened.get(shard);
                if (!file.tensors().containsKey(name)) {
                    throw new UserError(file.path() + " has no tensor '" + name + "', which " + ShardIndex.FILE
                            + " says is in it");
                }
                model.add(file.tensor(name), file);
            });
            return model;
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }

    /** Whether a file of this name is the model's: weights, configuration, tokenizer. */
    static boolean isPartOfModel(String name) {
        return name.endsWith(".safetensors") || name.equals(ShardIndex.FILE) || SETTINGS.contains(name);
    }

    private void add(TensorEntry tensor, SafetensorsFile file) {
        tensors.put(tensor.name(), tensor);
        fileOf.put(tensor.name(), file);
    }

    public Path path() {
        return folder;
    }

    /** {@code config.json}, which is there. */
    public Path config() {
        return folder.resolve(CONFIG);
    }

    /** All tensors of all files, by name. */
    public Map<String, TensorEntry> tensors() {
        return Collections.unmodifiableMap(tensors);
    }

    /** A {@link UserError} that names the first of the given tensors that are not there, and what is there instead. */
    public void requireTensors(Collection<String> names) {
        List<String> missing = names.stream().filter(name -> !tensors.containsKey(name)).toList();
        if (!missing.isEmpty()) {
            throw new UserError(folder + " lacks " + (missing.size() == 1 ? "tensor " : missing.size() + " tensors: ")
                    + Names.some(missing) + "; it has " + Names.some(tensors.keySet()));
        }
    }

    /**
     * Copies a tensor to a device, converting it to dst's type, and checks that it holds numbers: weights with a NaN or
     * an infinity would make everything that is computed from them worthless without a word.
     *
     * @param dst has the tensor's shape; a {@link UserError} names both where they differ
     */
    public void load(String name, Tensor dst, Device device) {
        requireTensors(List.of(name));
        SafetensorsFile file = fileOf.get(name);
        file.load(name, dst, device);
        if (!isFinite(dst, device)) {
            throw new UserError(file.path() + ": tensor '" + name + "' has a NaN or an infinity in it");
        }
    }

    private static boolean isFinite(Tensor t, Device device) {
        try (Arena scratch = device.arena("check of weights")) {
            Tensor found = scratch.allocate("nonfinite", DType.I32, 1);
            device.kernels().anyNonfinite(found, t);
            int[] any = new int[1];
            device.download(any, found);
            return any[0] == 0;
        }
    }

    /**
     * Copies what belongs to the model beside its weights (configuration, tokenizer, chat template) into another
     * folder, such as a checkpoint's. Files that the model does not have are left out, others replaced.
     */
    public static void copySettings(Path from, Path to) {
        for (String name : SETTINGS) {
            Path file = from.resolve(name);
            try {
                if (Files.exists(file)) {
                    Files.copy(file, to.resolve(name), StandardCopyOption.REPLACE_EXISTING);
                }
            } catch (IOException e) {
                throw UserError.of("cannot copy " + file + " to " + to, e);
            }
        }
    }

    @Override
    public void close() {
        files.forEach(SafetensorsFile::close);
    }
}
