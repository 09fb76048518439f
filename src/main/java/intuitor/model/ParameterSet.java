package intuitor.model;

import intuitor.UserError;
import intuitor.checkpoint.ModelFolder;
import intuitor.checkpoint.SafetensorsWriter;
import intuitor.checkpoint.ShardedWriter;
import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Tensor;
import intuitor.model.ParameterSpec.Part;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * All parameters of a model in one flat tensor of a storage type (F32, BF16), so that an optimiser, a norm or a copy is
 * one call; or, with the same layout, their gradients. Elements between parameters (alignment) are 0 and stay 0.
 */
public final class ParameterSet extends ModelWeights {

    /** Size above which the weights are written in shards, as by transformers. */
    private static final long MAX_SHARD_BYTES = 5_000_000_000L;

    private final Device device;
    private final ModelConfig config;
    private final List<ParameterSpec> specs;
    private final Tensor flat;
    private final Map<String, Tensor> byName = new LinkedHashMap<>();
    private final List<LayerParameters> layers = new ArrayList<>();

    /** One tensor of a Hugging Face folder, as a slice of this set. */
    public record HuggingFaceTensor(String name, Tensor tensor) {
    }

    /** A set of zeros in memory of the arena. */
    public ParameterSet(Arena arena, ModelConfig config, DType dtype, String name) {
        this.device = arena.device();
        this.config = config;
        this.specs = ParameterLayout.of(config);
        this.flat = arena.zeros(name, dtype, ParameterLayout.elements(specs));
        for (ParameterSpec spec : specs) {
            byName.put(spec.name(), flat.slice(spec.offset(), spec.dims()).named(name + " " + spec.name()));
        }
        for (int i = 0; i < config.layers(); i++) {
            layers.add(LayerParameters.of(config, this::get, i));
        }
    }

    /** The parameters of a model, in the order they lie in {@link #flat}. */
    public static List<ParameterSpec> specs(ModelConfig config) {
        return ParameterLayout.of(config);
    }

    /** Number of parameters of a model, alignment not counted. */
    public static long count(ModelConfig config) {
        return specs(config).stream().mapToLong(ParameterSpec::size).sum();
    }

    /** A set of zeros of the same layout in fp32, for gradients. */
    public ParameterSet gradients(Arena arena) {
        return new ParameterSet(arena, config, DType.F32, "gradients");
    }

    @Override
    public ModelConfig config() {
        return config;
    }

    /** Storage type of all elements. */
    @Override
    public DType dtype() {
        return flat.dtype();
    }

    /** All elements [n]. */
    public Tensor flat() {
        return flat;
    }

    /** A parameter by the name of its {@link ParameterSpec}. */
    public Tensor get(String name) {
        Tensor tensor = byName.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException("no parameter " + name);
        }
        return tensor;
    }

    /** [V,H] */
    @Override
    public Tensor embedding() {
        return get(ParameterLayout.EMBEDDING);
    }

    /** [V,H]; the embedding itself if the head is tied to it. */
    @Override
    public Tensor lmHead() {
        return get(config.tiedHead() ? ParameterLayout.EMBEDDING : ParameterLayout.LM_HEAD);
    }

    @Override
    Tensor finalNorm() {
        return get(ParameterLayout.FINAL_NORM);
    }

    @Override
    LayerParameters layer(int i) {
        return layers.get(i);
    }

    /** Copies in the arena, of the weights as they are now. */
    @Override
    public PackedWeights packed(Arena arena) {
        return packed(arena, dtype());
    }

    /** @param type of the copies' elements, as {@link PackedWeights} has it */
    public PackedWeights packed(Arena arena, DType type) {
        return new PackedWeights(arena, this, type);
    }

    public void zero() {
        device.zero(flat);
    }

    /** Takes over the values of a set of the same layout, rounded to this set's type where that is another. */
    public void copyFrom(ParameterSet other) {
        if (dtype() == other.dtype()) {
            device.copy(flat, other.flat);
        } else {
            device.cast(flat, other.flat);
        }
    }

    /** The tensors as a Hugging Face folder names and shapes them; they share this set's memory. */
    public List<HuggingFaceTensor> huggingFace() {
        List<HuggingFaceTensor> tensors = new ArrayList<>();
        for (ParameterSpec spec : specs) {
            long row = 0;
            for (Part part : spec.parts()) {
                tensors.add(new HuggingFaceTensor(part.name(), get(spec.name()).rows(row, part.rows())));
                row += part.rows();
            }
        }
        return tensors;
    }

    /**
     * Random start of an fp32 set: matrices and the embedding normal with this standard deviation, biases 0, norms 1.
     * The same seed gives the same bits everywhere.
     */
    public void initialize(long seed, double std) {
        fill(new RandomSource(device, seed, std));
    }

    private void fill(ParameterSource source) {
        specs.forEach(spec -> source.fill(spec, get(spec.name())));
    }

    // ------------------------------------------------------------------------------------------------ files

    /**
     * Reads the weights of a Hugging Face folder, each converted to this set's type on its way.
     *
     * @throws UserError if a tensor is missing, not expected, of another shape, or holds a NaN or an infinity
     */
    public void load(ModelFolder folder) {
        fill(new HuggingFaceSource(device, config, folder));
    }

    /**
     * Writes the weights into a folder under the names of Hugging Face: model.safetensors, or shards with an index if
     * they are large. The folder must be the writer's own, as {@link ShardedWriter} says.
     */
    public void save(Path folder, DType storedAs) {
        List<SafetensorsWriter.Entry> entries = huggingFace().stream()
                .map(t -> SafetensorsWriter.Entry.of(t.name(), t.tensor(), storedAs, device))
                .toList();
        ShardedWriter.write(folder, entries, MAX_SHARD_BYTES);
    }
}
