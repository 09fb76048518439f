package intuitor.model;

import static intuitor.device.Relative.assertRelative;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import intuitor.device.Device;
import intuitor.device.PackedAttention;
import intuitor.device.TestDevices;
import intuitor.device.TestDevices.Target;
import intuitor.model.Activations.Keep;
import intuitor.model.ReferenceModel.Shape;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whole models on other devices and in other storage types, beside fp32 on the CPU with the same weights: logits, what
 * is said of each token, the gradient of every parameter, decoding with a cache.
 */
class ModelParityTest {

    private static final double TEMPERATURE = 0.9;
    private static final double CERTAINTY_TEMPERATURE = 1.3;

    static Stream<Arguments> targetsAndShapes() {
        return TestDevices.TARGETS.stream().flatMap(t -> TestModel.GPU_SHAPES.stream().map(s -> Arguments.of(t, s)));
    }

    @ParameterizedTest
    @MethodSource("targetsAndShapes")
    void theSameModel(Target target, Shape shape) {
        try (Device other = target.open(); TestModel actual = new TestModel(other, shape, target.storage());
                Device cpu = Device.open("cpu", 2); TestModel expected = new TestModel(cpu, shape)) {
            double bound = target.isFp32() ? 1e-5 : 2e-2;
            TestBatch batch = TestBatch.random(expected);
            assertRelative(expected.logits(batch.shared()), actual.logits(batch.shared()), bound, "logits");
            assertScores(expected, actual, batch.shared(), bound);
            assertScores(expected, actual, batch.unshared(), bound);
            assertRelative(DecodingTest.decodedLogprobs(expected), DecodingTest.decodedLogprobs(actual), bound,
                    "decoded");
            // cuDNN rounds each query head's part of a key head's gradient to bf16 before it adds them
            double perTensor = (target.attention() == PackedAttention.Library.CUDNN ? 3 : 2) * bound;
            assertGradients(expected, actual, batch, bound, perTensor);
        }
    }

    private static void assertScores(TestModel expected, TestModel actual, PackedBatch batch, double bound) {
        TokenStats e = expected.score(batch, TEMPERATURE, CERTAINTY_TEMPERATURE);
        TokenStats a = actual.score(batch, TEMPERATURE, CERTAINTY_TEMPERATURE);
        assertRelative(e.logprob(), a.logprob(), bound, "log-probability");
        assertRelative(e.entropy(), a.entropy(), bound, "entropy");
        assertRelative(e.selfCertainty(), a.selfCertainty(), bound, "self-certainty");
    }

    /**
     * Prompts shared and repeated, activations kept and computed again: each close, and the same bits where it must be.
     */
    private static void assertGradients(TestModel expected, TestModel actual, TestBatch batch, double bound,
            double perTensor) {
        double[] coefficients = batch.coefficients();
        for (PackedBatch packed : new PackedBatch[] {batch.shared(), batch.unshared()}) {
            Map<String, double[]> e = gradients(expected, packed, Keep.ALL, coefficients);
            Map<String, double[]> a = gradients(actual, packed, Keep.ALL, coefficients);
            assertRelative(joined(e), joined(a), bound, "gradient");
            // where much cancels, as in the bias of keys, rounding shows more
            e.forEach((name, gradient) -> assertRelative(gradient, a.get(name), perTensor, "gradient of " + name));
            Map<String, double[]> again = gradients(actual, packed, Keep.LAYER_INPUTS, coefficients);
            a.forEach((name, gradient) -> assertArrayEquals(gradient, again.get(name), name + " with checkpointing"));
        }
    }

    private static double[] joined(Map<String, double[]> tensors) {
        return tensors.values().stream().flatMapToDouble(Arrays::stream).toArray();
    }

    private static Map<String, double[]> gradients(TestModel m, PackedBatch batch, Keep keep, double[] coefficients) {
        m.grads.zero();
        m.train(batch, keep, TEMPERATURE, coefficients);
        return m.values(m.grads);
    }
}
