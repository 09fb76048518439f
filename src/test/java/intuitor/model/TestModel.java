package intuitor.model;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Tensor;
import intuitor.model.Activations.Keep;
import intuitor.model.ParameterSet.HuggingFaceTensor;
import intuitor.model.ReferenceModel.Shape;
import intuitor.model.ReferenceModel.Shape.Llama3;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** A small model with random weights, and its twin of the second implementation. */
final class TestModel implements AutoCloseable {

    /** Bias and a tied head; grouped queries 2 to 1; an odd vocabulary. */
    static final Shape QWEN2 = new Shape("Qwen2ForCausalLM", 97, 24, 40, 2, 4, 2, 6, 1e-6, 1e6, null, true);
    /** Scaled rotary frequencies (kept, blended and stretched ones); an untied head; one key head a query head. */
    static final Shape LLAMA = new Shape("LlamaForCausalLM", 101, 32, 48, 3, 4, 4, 8, 1e-5, 1e4,
            new Llama3(8, 1, 4, 64), false);
    /** Norms on query and key heads, whose width is not hidden / heads; grouped queries 7 to 1. */
    static final Shape QWEN3 = new Shape("Qwen3ForCausalLM", 53, 20, 36, 2, 7, 1, 8, 1e-6, 1e6, null, false);
    /** The tied variant, wide enough for full vectors and a remainder. */
    static final Shape QWEN3_TIED = new Shape("Qwen3ForCausalLM", 131, 40, 72, 1, 2, 1, 20, 1e-6, 1e4, null, true);

    static final List<Shape> SHAPES = List.of(QWEN2, LLAMA, QWEN3, QWEN3_TIED);

    /** The architectures once more, with heads of the sizes that GPU kernels are made for. */
    static final List<Shape> GPU_SHAPES = List.of(
            new Shape("Qwen2ForCausalLM", 101, 64, 96, 2, 4, 2, 32, 1e-6, 1e6, null, true),
            new Shape("LlamaForCausalLM", 97, 48, 64, 2, 2, 1, 64, 1e-5, 1e4, new Llama3(8, 1, 4, 64), false),
            new Shape("Qwen3ForCausalLM", 131, 40, 72, 2, 3, 1, 64, 1e-6, 1e6, null, false),
            new Shape("Qwen3ForCausalLM", 64, 32, 48, 2, 2, 2, 32, 1e-6, 1e4, null, true));

    final Shape shape;
    final ModelConfig config;
    final Device device;
    final Arena arena;
    final ParameterSet parameters;
    final ParameterSet grads;
    final Transformer transformer;
    final LmHead head;

    TestModel(Device device, Shape shape) {
        this(device, shape, DType.F32);
    }

    /** The weights are ones that bf16 holds exactly: models of both storage types are the same. */
    TestModel(Device device, Shape shape, DType dtype) {
        this.shape = shape;
        this.config = config(shape.json());
        this.device = device;
        this.arena = device.arena("test model");
        this.parameters = new ParameterSet(arena, config, dtype, "weights");
        this.grads = parameters.gradients(arena);
        this.transformer = new Transformer(device, parameters);
        this.head = new LmHead(device, parameters, 5); // several chunks, the last one shorter
        randomize(new Random(shape.vocab()));
    }

    static ModelConfig config(String json) {
        try {
            Path folder = Files.createTempDirectory("intuitor-config");
            try {
                Files.writeString(folder.resolve("config.json"), json);
                return ModelConfig.read(folder);
            } finally {
                Files.deleteIfExists(folder.resolve("config.json"));
                Files.delete(folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Weights that make every part matter: gains away from 1, biases away from 0. */
    private void randomize(Random random) {
        for (HuggingFaceTensor t : parameters.huggingFace()) {
            float[] values = new float[(int) t.tensor().size()];
            boolean norm = t.name().contains("norm");
            double std = t.tensor().rank() == 2 ? 1 / Math.sqrt(t.tensor().dim(1)) : 0.3;
            for (int i = 0; i < values.length; i++) {
                float value = (float) ((norm ? 1 : 0) + std * random.nextGaussian());
                values[i] = Float.intBitsToFloat(Float.floatToRawIntBits(value) & 0xffff0000);
            }
            try (Arena scratch = device.arena("upload")) {
                device.cast(t.tensor(), scratch.upload("values", values));
            }
        }
    }

    ReferenceModel reference() {
        return new ReferenceModel(shape, values(parameters));
    }

    /** Copies of the tensors of a set, under their Hugging Face names. */
    Map<String, double[]> values(ParameterSet set) {
        Map<String, double[]> values = new LinkedHashMap<>();
        set.huggingFace().forEach(t -> values.put(t.name(), doubles(t.tensor())));
        return values;
    }

    private double[] doubles(Tensor tensor) {
        float[] values = download(tensor);
        double[] result = new double[values.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = values[i];
        }
        return result;
    }

    float[] download(Tensor tensor) {
        try (Arena scratch = device.arena("download")) {
            Tensor wide = scratch.allocate("wide", DType.F32, tensor.size());
            device.cast(wide, tensor);
            float[] values = new float[(int) tensor.size()];
            device.download(values, wide);
            return values;
        }
    }

    /** What the model says about the scored tokens of a batch. */
    TokenStats score(PackedBatch batch, double temperature, double certaintyTemperature) {
        TokenStats stats = TokenStats.of(batch.scored());
        try (Arena scope = arena.scope("score")) {
            Tensor hidden = transformer.forward(batch, scope);
            head.score(hidden, batch.scoredRows(), batch.targets(), temperature, certaintyTemperature, stats, scope);
        }
        return stats;
    }

    /** Logits of every row of a batch [T,V]. */
    float[] logits(PackedBatch batch) {
        try (Arena scope = arena.scope("logits")) {
            Tensor hidden = transformer.forward(batch, scope);
            Tensor logits = scope.allocate("logits", DType.F32, batch.rows(), shape.vocab());
            device.blas().gemm(logits, hidden, false, parameters.lmHead(), true, false);
            return download(logits);
        }
    }

    /** Loss sum of coefficient times log-probability; adds its gradients to {@link #grads}. */
    double train(PackedBatch batch, Keep keep, double temperature, double[] coefficient) {
        double[] loss = new double[1];
        try (Arena scope = arena.scope("train")) {
            Activations activations = transformer.forwardForTraining(batch, keep, scope);
            Tensor hidden = activations.hidden();
            Tensor dHidden = scope.zeros("d hidden", hidden.dtype(), hidden.shape());
            head.scoreAndBackward(hidden, dHidden, batch.scoredRows(), batch.targets(), temperature,
                    (from, to, logprob, c) -> {
                        for (int i = 0; i < to - from; i++) {
                            c[i] = (float) coefficient[from + i];
                            loss[0] += coefficient[from + i] * logprob[i];
                        }
                    }, grads, scope);
            transformer.backward(activations, dHidden, grads, scope);
        }
        return loss[0];
    }

    /** Random token ids of this model. */
    int[] tokens(Random random, int n) {
        return random.ints(n, 0, shape.vocab()).toArray();
    }

    @Override
    public void close() {
        transformer.close();
        arena.close();
    }
}
