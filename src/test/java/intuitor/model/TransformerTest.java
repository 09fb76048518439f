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
        device = Device.open("cpu", 2);
    }

    @AfterAll
    static void close() {
        device.close();
    }

    /** What the tests train on: a group of siblings, one of them a single token, between two sequences. */
    private record Material(int[] first, int[] prompt, List<int[]> completions, int[] last) {

        static Material random(TestModel m) {
            Random random = new Random(11);
            return new Material(m.tokens(random, 19), m.tokens(random, 7),
                    List.of(m.tokens(random, 9), m.tokens(random, 1), m.tokens(random, 14), m.tokens(random, 2)),
                    m.tokens(random, 33));
        }

        PackedBatch shared() {
            return PackedBatch.builder().sequence(first).group(prompt, completions).sequence(last).build();
        }

        PackedBatch unshared() {
            PackedBatch.Builder builder = PackedBatch.builder().sequence(first);
            completions.forEach(c -> builder.group(prompt, List.of(c)));
            return builder.sequence(last).build();
        }

        /** The sequences in full. */
        List<int[]> sequences() {
            List<int[]> all = new ArrayList<>(List.of(first));
            completions.forEach(c -> all.add(concat(prompt, c)));
            all.add(last);
            return all;
        }

        /** Of each of them, how many tokens are not scored. */
        List<Integer> unscored() {
            List<Integer> all = new ArrayList<>(List.of(1));
            completions.forEach(c -> all.add(prompt.length));
            all.add(1);
            return all;
        }
    }

    private static int[] concat(int[] a, int[] b) {
        return IntStream.concat(Arrays.stream(a), Arrays.stream(b)).toArray();
    }

    // ------------------------------------------------------------------------------------------------ values

    @ParameterizedTest
    @FieldSource("intuitor.model.TestModel#SHAPES")
    void scoresOfEveryTokenAgree(Shape shape) {
        try (TestModel m = new TestModel(device, shape)) {
            Material material = Material.random(m);
            TokenStats shared = score(m, material.shared());
            TokenStats unshared = score(m, material.unshared());
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

    private static TokenStats score(TestModel m, PackedBatch batch) {
        TokenStats stats = TokenStats.of(batch.scored());
        try (Arena scope = m.arena.scope("score")) {
            Tensor hidden = m.transformer.forward(batch, scope);
            m.head.score(hidden, batch.scoredRows(), batch.targets(), TEMPERATURE, CERTAINTY_TEMPERATURE, stats, scope);
        }
        return stats;
    }

    @ParameterizedTest
    @FieldSource("intuitor.model.TestModel#SHAPES")
    void logitsAgree(Shape shape) {
        try (TestModel m = new TestModel(device, shape)) {
            int[] sequence = m.tokens(new Random(5), 21);
            double[][] expected = m.reference().score(sequence, 1, 1).logits();
            Tensor hidden = m.transformer.forward(PackedBatch.builder().sequence(sequence).build(), m.arena);
            Tensor logits = m.arena.allocate("logits", DType.F32, 20, shape.vocab());
            device.blas().gemm(logits, hidden, false, m.parameters.lmHead(), true, false);
            float[] actual = m.download(logits);
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
            TokenStats actual = score(m, PackedBatch.builder().sequence(sequence).build());
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
            Material material = Material.random(m);
            double[] coefficient = coefficients(material);
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
                    assertEquals(loss, train(m, batch, keep, coefficient), 1e-4);
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

    private static double[] coefficients(Material material) {
        return new Random(3).doubles(material.shared().scored(), -1, 1).toArray();
    }

    /** Loss sum of coefficient times log-probability; adds its gradients. */
    private static double train(TestModel m, PackedBatch batch, Keep keep, double[] coefficient) {
        double[] loss = new double[1];
        try (Arena scope = m.arena.scope("train")) {
            Activations activations = m.transformer.forwardForTraining(batch, keep, scope);
            Tensor dHidden = scope.zeros("d hidden", DType.F32, activations.hidden().shape());
            m.head.scoreAndBackward(activations.hidden(), dHidden, batch.scoredRows(), batch.targets(), TEMPERATURE,
                    (from, to, logprob, c) -> {
                        for (int i = 0; i < to - from; i++) {
                            c[i] = (float) coefficient[from + i];
                            loss[0] += coefficient[from + i] * logprob[i];
                        }
                    }, m.grads, scope);
            m.transformer.backward(activations, dHidden, m.grads, scope);
        }
        return loss[0];
    }

    @ParameterizedTest
    @FieldSource("intuitor.model.TestModel#SHAPES")
    void sameBitsEveryTimeAndWithCheckpointing(Shape shape) {
        try (TestModel m = new TestModel(device, shape)) {
            Material material = Material.random(m);
            double[] coefficient = coefficients(material);
            float[] first = null;
            for (Keep keep : List.of(Keep.ALL, Keep.ALL, Keep.LAYER_INPUTS)) {
                m.grads.zero();
                train(m, material.shared(), keep, coefficient);
                float[] gradient = m.download(m.grads.flat());
                first = first == null ? gradient : first;
                assertArrayEquals(first, gradient);
            }
        }
    }

    @Test
    void gradientsAreAdded() {
        try (TestModel m = new TestModel(device, TestModel.QWEN2)) {
            Material material = Material.random(m);
            double[] coefficient = coefficients(material);
            train(m, material.shared(), Keep.ALL, coefficient);
            Map<String, double[]> once = m.values(m.grads);
            train(m, material.shared(), Keep.ALL, coefficient);
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
