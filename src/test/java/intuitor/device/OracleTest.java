package intuitor.device;

import static intuitor.device.KernelRun.assertClose;
import static intuitor.device.KernelRun.gaussian;
import static intuitor.device.KernelRun.widen;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** The oracles' gradients against central differences of their forward passes, and Philox against known answers. */
class OracleTest {

    private static final double STEP = 1e-5;

    /** d (sum g f(x)) / dx by central differences. */
    private static double[] difference(double[] x, double[] g, Function<double[], double[]> f) {
        double[] result = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            double[] above = x.clone();
            double[] below = x.clone();
            above[i] += STEP;
            below[i] -= STEP;
            double[] high = f.apply(above);
            double[] low = f.apply(below);
            for (int j = 0; j < g.length; j++) {
                result[i] += g[j] * (high[j] - low[j]) / (2 * STEP);
            }
        }
        return result;
    }

    private static void assertGradient(double[] expected, double[] actual, String what) {
        assertClose(expected, actual, 1e-6, 1e-7, what);
    }

    @Test
    void rmsNorm() {
        double[] x = widen(gaussian(1, 3 * 7));
        double[] weight = widen(gaussian(2, 7));
        double[] g = widen(gaussian(3, 3 * 7));
        double[][] d = Oracle.rmsNormBackward(g, x, weight, 1e-3);
        assertGradient(difference(x, g, v -> Oracle.rmsNorm(v, weight, 1e-3)), d[0], "dx");
        assertGradient(difference(weight, g, v -> Oracle.rmsNorm(x, v, 1e-3)), d[1], "dweight");
    }

    @Test
    void qkv() {
        int[] positions = {0, 3, 1, 4};
        double[] rope = widen(Oracle.rope(5, 6, 10));
        double[] qNorm = widen(gaussian(1, 6));
        double[] kNorm = widen(gaussian(2, 6));
        double[] bias = widen(gaussian(3, 24));
        double[] projection = widen(gaussian(4, 4 * 24));
        double[] g = widen(gaussian(5, 4 * 24));
        var plain = new Oracle.Qkv(2, 1, 6, null, null, 1e-3, rope, positions);
        double[][] d = plain.backward(g, null);
        assertGradient(difference(projection, g, v -> plain.forward(v, bias)), d[0], "projection");
        assertGradient(difference(bias, g, v -> plain.forward(projection, v)), d[1], "bias");

        var normed = new Oracle.Qkv(2, 1, 6, qNorm, kNorm, 1e-3, rope, positions);
        d = normed.backward(g, normed.biased(projection, bias));
        assertGradient(difference(projection, g, v -> normed.forward(v, bias)), d[0], "projection, with norms");
        assertGradient(difference(bias, g, v -> normed.forward(projection, v)), d[1], "bias, with norms");
        assertGradient(difference(qNorm, g, v -> new Oracle.Qkv(2, 1, 6, v, kNorm, 1e-3, rope, positions)
                .forward(projection, bias)), d[2], "qNorm");
        assertGradient(difference(kNorm, g, v -> new Oracle.Qkv(2, 1, 6, qNorm, v, 1e-3, rope, positions)
                .forward(projection, bias)), d[3], "kNorm");
    }

    @Test
    void attention() {
        // a prompt of 3 with two completions, and a sequence of 2
        int[][] segments = {{0, 3, 0, 0, 0, 3}, {3, 2, 0, 3, 3, 2}, {5, 1, 0, 3, 5, 1}, {6, 2, 0, 0, 6, 2}};
        var attention = new AttentionOracle(4, 2, 3, segments);
        double[] qkv = widen(gaussian(1, 8 * 24));
        double[] g = widen(gaussian(2, 8 * 12));
        assertGradient(difference(qkv, g, v -> attention.forward(v).out()), attention.backward(g, qkv).d(), "qkv");
    }

    @Test
    void swiglu() {
        double[] gateUp = widen(gaussian(1, 3 * 10));
        double[] g = widen(gaussian(2, 3 * 5));
        assertGradient(difference(gateUp, g, v -> Oracle.swiglu(v, 5)), Oracle.swigluBackward(g, gateUp, 5), "gateUp");
    }

    @Test
    void logprob() {
        double[] z = widen(gaussian(1, 9));
        double[] coefficient = {0.7};
        assertGradient(difference(z, coefficient,
                        v -> new double[] {VocabOracle.stats(v, 4, 0.8, 1).logprob()}),
                VocabOracle.logprobBackward(z, 4, 0.7, 0.8), "logits");
    }

    @Test
    void selfCertaintyIsTheDivergenceFromUniform() {
        double[] z = widen(gaussian(7, 40));
        double lse = VocabOracle.stats(z, 0, 1, 1).lse();
        double divergence = 0;
        for (double logit : z) {
            divergence += (-Math.log(40) - (logit - lse)) / 40;
        }
        assertClose(new double[] {divergence},
                new double[] {VocabOracle.stats(z, 0, 0.5, 1).selfCertainty()}, 1e-12, 0, "self-certainty");
    }

    /** Known answers of the Random123 distribution, philox4x32-10. */
    @Test
    void philox() {
        assertArrayEquals(new int[] {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
                VocabOracle.philox(new int[4], new int[2]));
        assertArrayEquals(new int[] {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
                VocabOracle.philox(new int[] {-1, -1, -1, -1}, new int[] {-1, -1}));
        assertArrayEquals(new int[] {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
                VocabOracle.philox(new int[] {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                        new int[] {0xa4093822, 0x299f31d0}));
    }
}
