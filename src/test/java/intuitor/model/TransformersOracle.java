package intuitor.model;

import intuitor.checkpoint.ModelFolder;
import intuitor.checkpoint.SafetensorsFile;
import intuitor.checkpoint.TensorEntry;
import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Tensor;
import intuitor.model.Activations.Keep;
import intuitor.model.ParameterSet.HuggingFaceTensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import tools.jackson.databind.json.JsonMapper;

/**
 * Compares the engine with what another implementation said of the same model folders, such as those that {@code
 * benchmarks/gpu/transformers_oracle.py} makes:
 *
 * <pre>
 *   FOLDER/NAME/config.json, model.safetensors     the model
 *   FOLDER/NAME/oracle/tokens.json                 the token ids of one sequence of L tokens
 *   FOLDER/NAME/oracle/expected.safetensors        F32: "logits" [L,V]; "loss" [1], the sum of -log p of tokens 1 ..
 *   L-1; "grad.P" for each parameter P of the folder
 * </pre>
 *
 * <p>An error is relative: the length of the difference over the length of what is expected.
 */
final class TransformersOracle {

    /** What a storage type may be off by. */
    static double bound(DType storage) {
        return storage == DType.F32 ? 1e-5 : 2e-2;
    }

    private TransformersOracle() {
    }

    /** The relative error of the logits, of the loss, and of every parameter's gradient, by name. */
    static Map<String, Double> errors(Device device, DType storage, Path folder) throws IOException {
        int[] tokens = new JsonMapper().readValue(Files.readString(folder.resolve("oracle/tokens.json")), int[].class);
        Map<String, Double> errors = new LinkedHashMap<>();
        try (ModelFolder files = ModelFolder.open(folder);
                SafetensorsFile expected = SafetensorsFile.open(folder.resolve("oracle/expected.safetensors"));
                Arena arena = device.arena("oracle")) {
            ParameterSet parameters = new ParameterSet(arena, ModelConfig.read(folder), storage, "parameters");
            parameters.load(files);
            ParameterSet grads = parameters.gradients(arena);
            Transformer transformer = new Transformer(device, parameters);
            LmHead head = new LmHead(device, parameters);

            PackedBatch batch = PackedBatch.builder().sequence(tokens).build();
            Activations activations = transformer.forwardForTraining(batch, Keep.ALL, arena);
            Tensor hidden = activations.hidden();
            double[] loss = new double[1];
            Tensor dHidden = arena.zeros("d hidden", storage, hidden.shape());
            head.scoreAndBackward(hidden, dHidden, batch.scoredRows(), batch.targets(), 1,
                    (from, to, logprob, coefficient) -> {
                        for (int i = 0; i < to - from; i++) {
                            coefficient[i] = -1;
                            loss[0] -= logprob[i];
                        }
                    }, grads, arena);
            // the sequence's last row predicts nothing that is scored, but its logits are expected too
            Tensor all = transformer.forward(PackedBatch.builder().prompt(tokens).build(), arena);
            Tensor logits = arena.allocate("logits", DType.F32, tokens.length, parameters.config().vocabSize());
            device.blas().gemm(logits, all, false, parameters.lmHead(), true, false);
            errors.put("logits", error(read(device, arena, expected, "logits"), download(device, logits)));
            errors.put("loss", error(read(device, arena, expected, "loss"), new float[] {(float) loss[0]}));

            transformer.backward(activations, dHidden, grads, arena);
            for (HuggingFaceTensor t : grads.huggingFace()) {
                errors.put("grad " + t.name(), error(read(device, arena, expected, "grad." + t.name()),
                        download(device, t.tensor())));
            }
            transformer.close();
        }
        return errors;
    }

    private static float[] read(Device device, Arena arena, SafetensorsFile file, String name) {
        TensorEntry entry = file.tensor(name);
        Tensor tensor = arena.allocate(name, DType.F32, entry.shape());
        file.load(name, tensor, device);
        return download(device, tensor);
    }

    private static float[] download(Device device, Tensor t) {
        float[] values = new float[(int) t.size()];
        device.download(values, t);
        return values;
    }

    private static double error(float[] expected, float[] actual) {
        double difference = 0;
        double length = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.pow((double) expected[i] - actual[i], 2);
            length += Math.pow(expected[i], 2);
        }
        return Math.sqrt(difference / length);
    }

    /** Arguments: the folder of folders, the device. Exit status 1 if an error is beyond its bound. */
    public static void main(String[] args) throws IOException {
        boolean good = true;
        List<Path> models;
        try (Stream<Path> entries = Files.list(Path.of(args[0]))) {
            models = entries.filter(p -> Files.exists(p.resolve("oracle"))).sorted().toList();
        }
        if (models.isEmpty()) {
            System.out.println(args[0] + " holds no model with an oracle");
            System.exit(1);
        }
        try (Device device = Device.open(args[1], 0)) {
            for (DType storage : device.info().kind().equals("cpu") ? List.of(DType.F32)
                    : List.of(DType.F32, DType.BF16)) {
                for (Path model : models) {
                    Map<String, Double> errors = errors(device, storage, model);
                    Map.Entry<String, Double> worst = errors.entrySet().stream()
                            .max(Map.Entry.comparingByValue()).orElseThrow();
                    boolean within = worst.getValue() <= bound(storage); // NaN is not
                    good &= within;
                    System.out.printf(Locale.ROOT, "%-4s %-12s %s: logits %.1e, loss %.1e, worst of %d gradients %.1e "
                                    + "(%s); bound %.0e: %s%n", device.info().kind(), model.getFileName(), storage,
                            errors.get("logits"), errors.get("loss"), errors.size() - 2, worst.getValue(),
                                    worst.getKey(),
                            bound(storage), within ? "agrees" : "DOES NOT AGREE");
                }
            }
        }
        System.exit(good ? 0 : 1);
    }
}
