package intuitor.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Tensor;
import intuitor.device.TestDevices;
import intuitor.model.Activations.Keep;
import intuitor.model.ReferenceModel.Scores;
import intuitor.model.ReferenceModel.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** The whole model, forward and backward, against the second implementation. */
class TransformerTest {

    private static final double TEMPERATURE = 0.9;
    private static final double CERTAINTY_TEMPERATURE = 1.3;
    /** Nats; the values are of the order of 1 to 10, in fp32. */
    private static final double SCORE_TOLERANCE = 2e-5;
    /** Largest error of a gradient, as a part of the largest element of the same tensor. */
    private static final double GRADIENT_TOLERANCE = 2e-5;

    private static Device device;

    @BeforeAll
    static void open() {
        device = TestDevices.open(2);
    }

    @AfterAll
    static void close() {
        device.close();
    }

    // ------------------------------------------------------------------------------------------------ values

    @ParameterizedTest
    @FieldSource("intuitor.model.TestModel#SHAPES")
    void scoresOfEveryTokenAgree(Shape shape) {
        try (TestModel m = new TestModel(device, shape)) {
            TestBatch material = TestBatch.random(m);
            TokenStats shared = m.score(material.shared(), TEMPERATURE, CERTAINTY_TEMPERATURE);
            TokenStats unshared = m.score(material.unshared(), TEMPERATURE, CERTAINTY_TEMPERATURE);
            ReferenceModel reference = m.reference();
            int next = 0;
            for (int s = 0; s < material.sequences().size(); s++) {
                int[] sequence = material.sequences().get(s);
                Scores expected = reference.score(sequence, TEMPERATURE, CERTAINTY_TEMPERATURE);
                for (int t = material.unscored().get(s); t < sequence.length; t++, next++) {
                    for (TokenStats actual : List.of(shared, unshared)) {
                        assertEquals(expected.logprob()[t - 1], actual.logprob()[next], SCORE_TOLERANCE);
                        assertEquals(expected.entropy()[t - 1], actual.entropy()[next], SCORE_TOLERANCE);
                        assertEquals(expected.selfCertainty()[t - 1], actual.selfCertainty()[next], SCORE_TOLERANCE);
                    }
                }
            }
            assertEquals(shared.logprob().length, next);
        }
    }

    @ParameterizedTest
    @FieldSource("intuitor.model.TestModel#SHAPES")
    void logitsAgree(Shape shape) {
        try (TestModel m = new TestModel(device, shape)) {
            int[] sequence = m.tokens(new Random(5), 21);
            double[][] expected = m.reference().score(sequence, 1, 1).logits();
            float[] actual = m.logits(PackedBatch.builder().sequence(sequence).build());
            for (int i = 0; i < actual.length; i++) {
                assertEquals(expected[i / shape.vocab()][i % shape.vocab()], actual[i], SCORE_TOLERANCE);
            }
        }
    }

    /** Rotary frequencies must be right far out, too, where an error of the scaling shows. */
    @Test
    void longSequencesAgree() {
        try (TestModel m = new TestModel(device, TestModel.LLAMA)) {
            int[] sequence = m.tokens(new Random(6), 301); // more than the first rotary table holds
            Scores expected = m.reference().score(sequence, TEMPERATURE, CERTAINTY_TEMPERATURE);
            TokenStats actual = m.score(PackedBatch.builder().sequence(sequence).build(), TEMPERATURE,
                    CERTAINTY_TEMPERATURE);
            for (int t = 0; t < 300; t++) {
                assertEquals(expected.logprob()[t], actual.logprob()[t], SCORE_TOLERANCE);
            }
        }
    }

    @Test
    void sequencesBeyondTheModelsPositionsAreRefused() {
        try (TestModel m = new TestModel(device, TestModel.QWEN2)) {
            PackedBatch batch = PackedBatch.builder().prompt(new int[4097]).build();
            UserError error = assertThrows(UserError.class, () -> m.transformer.forward(batch, m.arena));
            assertTrue(error.getMessage().contains("4097 tokens is longer than the model's 4096"), error.getMessage());
        }
    }

    // ------------------------------------------------------------------------------------------------ gradients

    @ParameterizedTest
    @FieldSource("intuitor.model.TestModel#SHAPES")
    void gradientOfEveryParameterAgrees(Shape shape) {
        try (TestModel m = new TestModel(device, shape)) {
            TestBatch material = TestBatch.random(m);
            double[] coefficient = material.coefficients();
            double loss = 0;
            ReferenceModel reference = m.reference();
            int next = 0;
            for (int s = 0; s < material.sequences().size(); s++) {
                int[] sequence = material.sequences().get(s);
                double[] c = new double[sequence.length - 1];
                for (int t = material.unscored().get(s); t < sequence.length; t++) {
                    c[t - 1] = coefficient[next++];
                }
                loss += reference.lossAndBackward(sequence, c, TEMPERATURE);
            }
            for (PackedBatch batch : List.of(material.shared(), material.unshared())) {
                for (Keep keep : Keep.values()) {
                    m.grads.zero();
                    assertEquals(loss, m.train(batch, keep, TEMPERATURE, coefficient), 1e-4);
                    assertClose(reference.gradients(), m.values(m.grads), keep + ", rows " + batch.rows());
                }
            }
        }
    }

    private static void assertClose(Map<String, double[]> expected, Map<String, double[]> actual, String where) {
        assertEquals(expected.keySet(), actual.keySet());
        expected.forEach((name, e) -> {
            double largest = Arrays.stream(e).map(Math::abs).max().orElseThrow();
            assertTrue(largest > 0, name + " has no gradient");
            assertArrayEquals(e, actual.get(name), GRADIENT_TOLERANCE * largest, name + ", " + where);
        });
    }

    @ParameterizedTest
    @FieldSource("intuitor.model.TestModel#SHAPES")
    void sameBitsEveryTimeAndWithCheckpointing(Shape shape) {
        try (TestModel m = new TestModel(device, shape)) {
            TestBatch material = TestBatch.random(m);
            double[] coefficient = material.coefficients();
            float[] first = null;
            for (Keep keep : List.of(Keep.ALL, Keep.ALL, Keep.LAYER_INPUTS)) {
                m.grads.zero();
                m.train(material.shared(), keep, TEMPERATURE, coefficient);
                float[] gradient = m.download(m.grads.flat());
                first = first == null ? gradient : first;
                assertArrayEquals(first, gradient);
            }
        }
    }

    @Test
    void gradientsAreAdded() {
        try (TestModel m = new TestModel(device, TestModel.QWEN2)) {
            TestBatch material = TestBatch.random(m);
            double[] coefficient = material.coefficients();
            m.train(material.shared(), Keep.ALL, TEMPERATURE, coefficient);
            Map<String, double[]> once = m.values(m.grads);
            m.train(material.shared(), Keep.ALL, TEMPERATURE, coefficient);
            once.values().forEach(v -> Arrays.setAll(v, i -> 2 * v[i]));
            assertClose(once, m.values(m.grads), "twice");
        }
    }

    @Test
    void activationsServeOnce() {
        try (TestModel m = new TestModel(device, TestModel.QWEN2)) {
            PackedBatch batch = PackedBatch.builder().sequence(new int[] {1, 2, 3}).build();
            Activations a = m.transformer.forwardForTraining(batch, Keep.ALL, m.arena);
            Tensor dHidden = m.arena.zeros("d hidden", DType.F32, a.hidden().shape());
            m.transformer.backward(a, dHidden, m.grads, m.arena);
            assertThrows(IllegalStateException.class, () -> m.transformer.backward(a, dHidden, m.grads, m.arena));
        }
    }

    /** The figures that the documentation gives. */
    @Test
    void memoryKeptForTheBackwardPass() {
        try (TestModel m = new TestModel(device, TestModel.QWEN2)) {
            Shape s = TestModel.QWEN2;
            int rows = 500;
            PackedBatch batch = PackedBatch.builder().prompt(new int[rows]).build();
            long perLayer = 2L * s.hidden() + (2L * s.heads() + 2L * s.kvHeads()) * s.headDim() + s.heads()
                    + 2L * s.feedForward() + 2;
            long all = 4L * rows * perLayer * s.layers();
            assertEquals(all, kept(m, batch, Keep.ALL), 0.01 * all);
            assertTrue(kept(m, batch, Keep.LAYER_INPUTS) < kept(m, batch, Keep.ALL) / s.layers()
                    + 4L * rows * (s.layers() + 3) * s.hidden());
        }
    }

    private static long kept(TestModel m, PackedBatch batch, Keep keep) {
        try (Arena scope = m.arena.scope("kept")) {
            long before = scope.usedBytes();
            m.transformer.forwardForTraining(batch, keep, scope);
            return scope.usedBytes() - before - 4L * batch.rows() * (2L * m.config.hiddenSize() + 3);
        }
    }
}
