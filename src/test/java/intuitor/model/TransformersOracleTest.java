package intuitor.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.checkpoint.SafetensorsWriter;
import intuitor.checkpoint.SafetensorsWriter.Entry;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.model.ReferenceModel.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/**
 * The comparison with another implementation's folders, on folders that the second implementation of the tests writes.
 */
class TransformersOracleTest {

    @TempDir
    Path folder;

    @ParameterizedTest
    @FieldSource("intuitor.model.TestModel#SHAPES")
    void agreesAndSeesWhatDoesNot(Shape shape) throws IOException {
        try (Device device = Device.open("cpu", 2); TestModel m = new TestModel(device, shape)) {
            int[] tokens = m.tokens(new Random(3), 23);
            Files.writeString(folder.resolve("config.json"), shape.json());
            m.parameters.save(folder, DType.F32);
            Files.createDirectories(folder.resolve("oracle"));
            Files.writeString(folder.resolve("oracle/tokens.json"), Arrays.toString(tokens));

            ReferenceModel reference = m.reference();
            double[] coefficient = new double[tokens.length - 1];
            Arrays.fill(coefficient, -1);
            double loss = reference.lossAndBackward(tokens, coefficient, 1);
            write(m, logits(reference, tokens), loss, reference.gradients(), 1);
            Map<String, Double> errors = TransformersOracle.errors(device, DType.F32, folder);
            assertEquals(reference.gradients().size() + 2, errors.size());
            errors.forEach((name, error) -> assertTrue(error < TransformersOracle.bound(DType.F32),
                    name + " " + error));

            write(m, logits(reference, tokens), loss, reference.gradients(), 1.001);
            TransformersOracle.errors(device, DType.F32, folder).forEach((name, error) ->
                    assertEquals(name.startsWith("grad"), error > 5e-4, name + " " + error));
        }
    }

    /** Of every token, the last one too. */
    private static double[] logits(ReferenceModel reference, int[] tokens) {
        int[] oneMore = Arrays.copyOf(tokens, tokens.length + 1);
        return Arrays.stream(reference.score(oneMore, 1, 1).logits()).flatMapToDouble(Arrays::stream).toArray();
    }

    private void write(TestModel m, double[] logits, double loss, Map<String, double[]> gradients, double factor) {
        List<Entry> entries = new ArrayList<>();
        entries.add(entry(m, "logits", logits, 1, logits.length / m.shape.vocab(), m.shape.vocab()));
        entries.add(entry(m, "loss", new double[] {loss}, 1, 1));
        m.parameters.huggingFace().forEach(t ->
                entries.add(entry(m, "grad." + t.name(), gradients.get(t.name()), factor, t.tensor().shape())));
        SafetensorsWriter.write(folder.resolve("oracle/expected.safetensors"), entries, SafetensorsWriter.METADATA);
    }

    private static Entry entry(TestModel m, String name, double[] values, double factor, long... shape) {
        float[] floats = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            floats[i] = (float) (factor * values[i]);
        }
        return Entry.of(name, m.arena.upload(name, floats, shape), DType.F32, m.device);
    }
}
