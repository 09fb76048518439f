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
 * that is tied to it is packed besides. On a CPU that multiplies bf16, the matrices may be packed in that type, half as
 * large and multiplied about twice as fast; embedding, norms, biases and activations stay in fp32.
 */
public final class InferenceWeights extends ModelWeights implements AutoCloseable {

    private final ModelConfig config;
    private final DType dtype;
    private final DType packedType;
    private final Arena memory;
    private final List<Arena> unpacked = new ArrayList<>(); // of the matrices that the library takes as they are
    private final Map<String, Tensor> plain = new HashMap<>();
    private final List<LayerParameters> layers;
    private final PackedWeights packed;

    private InferenceWeights(Device device, ModelConfig config, DType dtype, DType packedType, ParameterSource source) {
        this.config = config;
        this.dtype = dtype;
        this.packedType = packedType;
        this.memory = device.arena("weights");
        try {
            if (!device.info().isGpu()) { // whose library packs nothing
                memory.expect(bytes());
            }
            Map<String, PackedMatrix> matrices = new HashMap<>();
            for (ParameterSpec spec : ParameterLayout.of(config)) {
                if (isPacked(spec)) {
                    matrices.put(spec.name(), packed(spec, source));
                } else {
                    plain.put(spec.name(), filled(memory, spec, source));
                }
            }
            if (config.tiedHead()) {
                matrices.put(ParameterLayout.LM_HEAD, device.blas().pack(memory, embedding(), true, packedType));
            }
            this.layers = IntStream.range(0, config.layers())
                    .mapToObj(i -> LayerParameters.of(config, plain::get, i)).toList();
            this.packed = new PackedWeights(config, matrices);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** The same with matrices of the same type. */
    public static InferenceWeights load(Device device, ModelConfig config, DType dtype, ModelFolder folder) {
        return load(device, config, dtype, dtype, folder);
    }

    /**
     * Reads the weights of a Hugging Face folder, each converted to the type on its way.
     *
     * @param packedType of matrices: {@code dtype}, or bf16 where the device {@link intuitor.device.Blas#packsInBf16}
     * @throws UserError if a tensor is missing, not expected, of another shape, or holds a NaN or an infinity
     */
    public static InferenceWeights load(Device device, ModelConfig config, DType dtype, DType packedType,
                                        ModelFolder folder) {
        return new InferenceWeights(device, config, dtype, packedType, new HuggingFaceSource(device, config, folder));
    }

    /** The same with matrices in fp32. */
    public static InferenceWeights random(Device device, ModelConfig config, long seed, double std) {
        return random(device, config, DType.F32, seed, std);
    }

    /** In fp32, the values that {@link ParameterSet#initialize} gives. */
    public static InferenceWeights random(Device device, ModelConfig config, DType packedType, long seed, double std) {
        return new InferenceWeights(device, config, DType.F32, packedType, new RandomSource(device, seed, std));
    }

    /** Of all weights as they will be held; in one block of memory, no large page is begun and not filled. */
    private long bytes() {
        long matrices = ParameterLayout.of(config).stream().filter(InferenceWeights::isPacked)
                .mapToLong(ParameterSpec::size).sum();
        long plain = ParameterLayout.elements(ParameterLayout.of(config)) - matrices;
        long head = config.tiedHead() ? (long) config.vocabSize() * config.hiddenSize() : 0;
        return plain * dtype.bytes() + (matrices + head) * packedType.bytes();
    }

    private static boolean isPacked(ParameterSpec spec) {
        return spec.kind() == Kind.MATRIX && !spec.name().equals(ParameterLayout.EMBEDDING);
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
        PackedMatrix matrix = memory.device().blas().pack(memory, filled(own, spec, source), true, packedType);
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

    /** Type of the matrices. */
    public DType packedType() {
        return packedType;
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
