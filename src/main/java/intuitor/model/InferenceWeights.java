package intuitor.model;

import intuitor.UserError;
import intuitor.checkpoint.ModelFolder;
import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.PackedMatrix;
import intuitor.device.Tensor;
import intuitor.model.ParameterSpec.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Weights to generate with, which do not change: each matrix is held once, in the order that the matrix library reads
 * fastest. They come one by one, and the memory of a matrix goes back to the system as soon as it is packed, so that
 * reading a model takes little more than the model itself. The embedding is held as rows, to be looked up in; a head
 * that is tied to it is packed besides.
 */
public final class InferenceWeights extends ModelWeights implements AutoCloseable {

    private final ModelConfig config;
    private final DType dtype;
    private final Arena memory;
    private final List<Arena> unpacked = new ArrayList<>(); // of the matrices that the library takes as they are
    private final Map<String, Tensor> plain = new HashMap<>();
    private final List<LayerParameters> layers;
    private final PackedWeights packed;

    private InferenceWeights(Device device, ModelConfig config, DType dtype, ParameterSource source) {
        this.config = config;
        this.dtype = dtype;
        this.memory = device.arena("weights");
        try {
            if (!device.info().isGpu()) { // whose library packs nothing
                memory.expect(bytes(config, dtype));
            }
            Map<String, PackedMatrix> matrices = new HashMap<>();
            for (ParameterSpec spec : ParameterLayout.of(config)) {
                if (spec.kind() == Kind.MATRIX && !spec.name().equals(ParameterLayout.EMBEDDING)) {
                    matrices.put(spec.name(), packed(spec, source));
                } else {
                    plain.put(spec.name(), filled(memory, spec, source));
                }
            }
            if (config.tiedHead()) {
                matrices.put(ParameterLayout.LM_HEAD, device.blas().pack(memory, embedding(), true));
            }
            this.layers = IntStream.range(0, config.layers())
                    .mapToObj(i -> LayerParameters.of(config, plain::get, i)).toList();
            this.packed = new PackedWeights(config, matrices);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /**
     * Reads the weights of a Hugging Face folder, each converted to the type on its way.
     *
     * @throws UserError if a tensor is missing, not expected, of another shape, or holds a NaN or an infinity
     */
    public static InferenceWeights load(Device device, ModelConfig config, DType dtype, ModelFolder folder) {
        return new InferenceWeights(device, config, dtype, new HuggingFaceSource(device, config, folder));
    }

    /** In fp32, the values that {@link ParameterSet#initialize} gives. */
    public static InferenceWeights random(Device device, ModelConfig config, long seed, double std) {
        return new InferenceWeights(device, config, DType.F32, new RandomSource(device, seed, std));
    }

    /** Of all weights as they will be held; in one block of memory, no large page is begun and not filled. */
    private static long bytes(ModelConfig config, DType dtype) {
        long elements = ParameterLayout.elements(ParameterLayout.of(config));
        return dtype.bytes() * (elements + (config.tiedHead() ? (long) config.vocabSize() * config.hiddenSize() : 0));
    }

    private Tensor filled(Arena arena, ParameterSpec spec, ParameterSource source) {
        Tensor parameter = arena.allocate(spec.name(), dtype, spec.dims());
        source.fill(spec, parameter);
        return parameter;
    }

    /** In an arena of its own, a matrix can be given up without the others. */
    private PackedMatrix packed(ParameterSpec spec, ParameterSource source) {
        Arena own = memory.device().arena(spec.name());
        unpacked.add(own);
        PackedMatrix matrix = memory.device().blas().pack(memory, filled(own, spec, source), true);
        if (matrix.isPacked()) {
            unpacked.removeLast().close();
        }
        return matrix;
    }

    @Override
    public ModelConfig config() {
        return config;
    }

    @Override
    public DType dtype() {
        return dtype;
    }

    @Override
    public Tensor embedding() {
        return plain.get(ParameterLayout.EMBEDDING);
    }

    @Override
    Tensor lmHead() {
        return config.tiedHead() ? embedding() : null;
    }

    @Override
    Tensor finalNorm() {
        return plain.get(ParameterLayout.FINAL_NORM);
    }

    @Override
    LayerParameters layer(int i) {
        return layers.get(i);
    }

    @Override
    public PackedWeights packed(Arena arena) {
        return packed;
    }

    /** Gives the memory back; it goes with the device at the latest. */
    @Override
    public void close() {
        unpacked.forEach(Arena::close);
        memory.close();
    }
}
