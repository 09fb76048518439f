package intuitor.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Tensor;
import intuitor.device.TestDevices;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class AdamWTest {

    private static final AdamW.Settings SETTINGS = new AdamW.Settings(0.9, 0.99, 1e-8, 0.1);

    private Device device;
    private Arena arena;

    @BeforeEach
    void open() {
        device = TestDevices.open(1);
        arena = device.arena("test");
    }

    @AfterEach
    void close() {
        device.close();
    }

    /** Back to moments of an earlier time, the correction of their bias goes back, too: a first update is one again. */
    @Test
    void momentsThatWerePutBack() {
        AdamW.Settings plain = new AdamW.Settings(0.9, 0.999, 1e-8, 0);
        Tensor parameters = arena.zeros("parameters", DType.F32, 1);
        AdamW optimizer = new AdamW(arena, parameters, List.of(), plain);
        Tensor gradients = arena.upload("gradients", new float[] {3});
        for (int t = 0; t < 200; t++) {
            optimizer.step(gradients, 0.01, 1);
        }
        device.zero(parameters);
        device.zero(optimizer.mean());
        device.zero(optimizer.meanSquare());
        optimizer.momentsOf(0);
        optimizer.step(gradients, 0.01, 1);
        float[] value = new float[1];
        device.download(value, parameters);
        assertEquals(-0.01, value[0], 1e-6);
        assertEquals(201, optimizer.steps());
        assertEquals(1, optimizer.momentUpdates());
    }

    /** Three updates against the formula in double precision; decay on elements 2 to 4 and 7 to 8 only. */
    @Test
    void updatesAsTheFormulaSays() {
        Random random = new Random(1);
        int n = 10;
        float[] start = floats(random, n);
        Tensor parameters = arena.upload("parameters", start);
        AdamW optimizer = new AdamW(arena, parameters, List.of(new AdamW.Range(2, 3), new AdamW.Range(7, 2)), SETTINGS);
        double[] p = new double[n];
        double[] m = new double[n];
        double[] v = new double[n];
        for (int i = 0; i < n; i++) {
            p[i] = start[i];
        }
        for (int t = 1; t <= 3; t++) {
            float[] gradients = floats(random, n);
            double rate = 0.01 * t;
            double scale = 0.5;
            try (Arena scope = arena.scope("step")) {
                optimizer.step(scope.upload("gradients", gradients), rate, scale);
            }
            for (int i = 0; i < n; i++) {
                double decay = i >= 2 && i < 5 || i >= 7 && i < 9 ? 0.1 : 0;
                double g = gradients[i] * scale;
                m[i] = 0.9 * m[i] + 0.1 * g;
                v[i] = 0.99 * v[i] + 0.01 * g * g;
                double mHat = m[i] / (1 - Math.pow(0.9, t));
                double vHat = v[i] / (1 - Math.pow(0.99, t));
                p[i] -= rate * (mHat / (Math.sqrt(vHat) + 1e-8) + decay * p[i]);
            }
        }
        assertEquals(3, optimizer.steps());
        assertNear(p, parameters);
        assertNear(m, optimizer.mean());
        assertNear(v, optimizer.meanSquare());
    }

    /** torch: clip_coef = max_norm / (total_norm + 1e-6), at most 1. */
    @Test
    void clippingScalesToTheGreatestNorm() {
        Tensor gradients = arena.upload("gradients", new float[] {3, 0, -4});
        double norm = GradientClipping.norm(gradients, arena);
        assertEquals(5, norm);
        assertEquals(1 / (5 + 1e-6), GradientClipping.scale(norm, 1));
        assertEquals(1, GradientClipping.scale(norm, 6));
        assertEquals(1, GradientClipping.scale(norm, 0), "0 switches clipping off");
    }

    private void assertNear(double[] expected, Tensor actual) {
        float[] values = new float[expected.length];
        device.download(values, actual);
        double[] doubles = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            doubles[i] = values[i];
        }
        assertArrayEquals(expected, doubles, 1e-6);
    }

    private static float[] floats(Random random, int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
