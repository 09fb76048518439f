package intuitor.device;

import static intuitor.device.KernelRun.assertClose;
import static intuitor.device.KernelRun.gaussian;
import static intuitor.device.KernelRun.indices;
import static intuitor.device.KernelRun.run;
import static intuitor.device.KernelRun.widen;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Reductions over rows of logits, and their gradient. */
class VocabKernelTest {

    /** The five outputs and the logits as the kernel saw them (rounded, if they are bf16). */
    private static double[][] reduce(DType dtype, float[] logits, int v, int[] targets, double temperature,
            double certaintyTemperature) {
        int n = targets.length;
        return run(r -> {
            Tensor z = r.in(dtype, logits, n, v);
            var out = new VocabStats(r.outF32(n), r.outF32(n), r.outF32(n), r.outF32(n), r.out(DType.I32, n));
            r.kernels().vocabReduce(out, z, r.in(targets), temperature, certaintyTemperature);
            return new double[][] {r.get(out.lse()), r.get(out.logprob()), r.get(out.entropy()),
                r.get(out.selfCertainty()), r.get(out.argmax()), r.get(z)};
        });
    }

    private static void assertStats(double[][] results, int v, int[] targets, double temperature,
            double certaintyTemperature, double absolute) {
        for (int row = 0; row < targets.length; row++) {
            double[] z = Arrays.copyOfRange(results[5], row * v, (row + 1) * v);
            var expected = VocabOracle.stats(z, targets[row], temperature, certaintyTemperature);
            String what = "row " + row + " ";
            double scale = 2e-7 * Math.abs(expected.lse()) + absolute; // of numbers as large as the logits
            assertEquals(expected.lse(), results[0][row], scale, what + "lse");
            assertEquals(expected.logprob(), results[1][row], scale + 1e-6 * Math.abs(expected.logprob()),
                    what + "logprob");
            assertEquals(expected.entropy(), results[2][row], 4e-6 * expected.entropy() + absolute, what + "entropy");
            assertEquals(expected.selfCertainty(), results[3][row],
                    2e-6 * Math.abs(expected.selfCertainty()) + absolute, what + "self-certainty");
            assertEquals(expected.argmax(), results[4][row], what + "argmax");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "F32, 1, 1, 1, 1", "F32, 3, 17, 1, 1", "F32, 65, 511, 0.9, 1", "F32, 40, 512, 1, 1", "F32, 7, 8192, 0.7, 1.3",
        "F32, 3, 151936, 0.9, 1", "F32, 1, 16385, 1, 1", "F32, 2, 8193, 0.9, 1", "F32, 5, 1024, 1, 1",
        "BF16, 3, 1023, 1, 1", "BF16, 2, 1025, 0.6, 1", "BF16, 2, 8191, 1, 1", "BF16, 2, 8200, 1, 0.8",
        "BF16, 3, 17, 1, 1", "BF16, 65, 511, 0.9, 1",
        "BF16, 7, 8192, 0.7, 1.3", "BF16, 3, 151936, 1, 1"})
    void reduce(DType dtype, int n, int v, double temperature, double certaintyTemperature) {
        float[] logits = gaussian(v, n * v);
        for (int i = 0; i < logits.length; i++) {
            logits[i] *= 3;
        }
        int[] targets = indices(1, n, v);
        double[][] results = reduce(dtype, logits, v, targets, temperature, certaintyTemperature);
        assertStats(results, v, targets, temperature, certaintyTemperature, 2e-6);
    }

    /** Each output alone is the same as all together. */
    @Test
    void everyOutputIsOptional() {
        int n = 5;
        int v = 700;
        float[] logits = gaussian(1, n * v);
        int[] targets = indices(2, n, v);
        double[][] all = reduce(DType.F32, logits, v, targets, 0.8, 1);
        double[][] each = run(r -> {
            Tensor z = r.inF32(logits, n, v);
            Tensor lse = r.outF32(n);
            Tensor logprob = r.outF32(n);
            Tensor entropy = r.outF32(n);
            Tensor certainty = r.outF32(n);
            Tensor argmax = r.out(DType.I32, n);
            Kernels k = r.kernels();
            k.vocabReduce(new VocabStats(lse, null, null, null, null), z, null, 0.8, 1);
            k.vocabReduce(new VocabStats(null, logprob, null, null, null), z, r.in(targets), 0.8, 1);
            k.vocabReduce(new VocabStats(null, null, entropy, null, null), z, null, 0.8, 1);
            k.vocabReduce(new VocabStats(null, null, null, certainty, null), z, null, 0.8, 1);
            k.vocabReduce(new VocabStats(null, null, null, null, argmax), z, null, 0.8, 1);
            k.vocabReduce(VocabStats.NONE, z, null, 0.8, 1);
            return new double[][] {r.get(lse), r.get(logprob), r.get(entropy), r.get(certainty), r.get(argmax)};
        });
        for (int i = 0; i < each.length; i++) {
            assertClose(all[i], each[i], 2e-7, 1e-7, "output " + i);
        }
    }

    /** One row of ten thousands on a plain of ordinary logits; all equal and huge; far below zero. */
    @ParameterizedTest
    @CsvSource({"F32", "BF16"})
    void hugeLogits(DType dtype) {
        int v = 3000;
        float[] logits = gaussian(1, 4 * v);
        logits[2000] = 1e4f;
        logits[2001] = 9999;
        Arrays.fill(logits, v, 2 * v, 1e4f);
        Arrays.fill(logits, 2 * v, 3 * v, -1e4f);
        for (int i = 3 * v; i < 4 * v; i++) {
            logits[i] *= 1e4f;
        }
        int[] targets = {2001, 5, 2999, 17};
        double[][] results = reduce(dtype, logits, v, targets, 1, 1);
        assertStats(results, v, targets, 1, 1, 1e-3); // fp32 near 1e4 is 1e-3 apart
        assertEquals(Math.log(v), results[2][1], 1e-3, "entropy of equal logits");
        assertEquals(0, results[3][1], 1e-3, "self-certainty of equal logits");
    }

    /** Logits that climb far beyond all before them, at every scale; and such that fall. */
    @ParameterizedTest
    @CsvSource({"F32, 1, 1", "BF16, 1, 1", "F32, 0.8, 1.2", "BF16, 0.8, 1.2"})
    void climbingLogits(DType dtype, double temperature, double certaintyTemperature) {
        int v = 9000;
        float[] logits = gaussian(3, 3 * v);
        for (int i = 0; i < v; i++) {
            logits[i] += 0.05f * i;
            logits[v + i] += 0.05f * (v - i);
            logits[2 * v + i] += i < 8192 ? -5000 : -4990; // far from 0, where empty sums begin
        }
        int[] targets = {v - 1, 0, 8500};
        double[][] results = reduce(dtype, logits, v, targets, temperature, certaintyTemperature);
        assertStats(results, v, targets, temperature, certaintyTemperature, 5e-6);
    }

    /** The same bits whatever the number of rows and wherever a row lies: also where no two rows are aligned alike. */
    @ParameterizedTest
    @CsvSource({"F32, 9001", "BF16, 9001", "BF16, 8200", "BF16, 31"})
    void aRowGivesTheSameBitsWhereverItLies(DType dtype, int v) {
        int n = 5;
        float[] row = gaussian(6, v);
        float[] logits = gaussian(7, n * v);
        for (int i : new int[] {0, 1, 4}) {
            System.arraycopy(row, 0, logits, i * v, v);
        }
        int[] targets = {7, 7, 1, 2, 7};
        double[][] together = reduce(dtype, logits, v, targets, 0.9, 1);
        double[][] alone = reduce(dtype, row, v, new int[] {7}, 0.9, 1);
        for (int i : new int[] {0, 1, 4}) {
            for (int output = 0; output < 5; output++) {
                assertEquals(alone[output][0], together[output][i], "output " + output + " of row " + i);
            }
        }
    }

    @Test
    void noRows() {
        double[][] results = reduce(DType.F32, new float[0], 17, new int[0], 1, 1);
        assertEquals(0, results[0].length);
    }

    /** A logit of -inf: probability 0, self-certainty infinite. */
    @ParameterizedTest
    @CsvSource({"17", "511", "20000"})
    void impossibleTokens(int v) {
        float[] logits = gaussian(1, 3 * v);
        logits[5] = Float.NEGATIVE_INFINITY;
        Arrays.fill(logits, v, 2 * v - 1, Float.NEGATIVE_INFINITY); // all but the last
        Arrays.fill(logits, 2 * v, 2 * v + v / 2, Float.NEGATIVE_INFINITY);
        int[] targets = {5, v - 1, v - 2};
        double[][] results = reduce(DType.F32, logits, v, targets, 0.9, 1);
        assertStats(results, v, targets, 0.9, 1, 2e-6);
        assertEquals(Double.NEGATIVE_INFINITY, results[1][0], "the log-probability of an impossible token");
        assertEquals(Double.POSITIVE_INFINITY, results[3][0], "self-certainty");
        assertEquals(0, results[2][1], 1e-6, "entropy of a certain token");
    }

    @Test
    void ofEqualLogitsTheLowestIndexIsTheArgmax() {
        int v = 40000;
        float[] logits = new float[2 * v];
        logits[30000] = 1;
        logits[17] = 1;
        logits[20000] = 1;
        double[][] results = reduce(DType.F32, logits, v, new int[] {0, 0}, 1, 1);
        assertEquals(17, results[4][0]);
        assertEquals(0, results[4][1]);
    }

    @ParameterizedTest
    @CsvSource({
        "F32, 1, 1, 1", "F32, 3, 17, 1", "F32, 65, 511, 0.9", "F32, 7, 8192, 0.7", "F32, 2, 151936, 1",
        "BF16, 3, 17, 1", "BF16, 7, 8192, 0.7", "BF16, 3, 4096, 1", "BF16, 3, 4097, 1", "BF16, 2, 8200, 1",
        "F32, 2, 2048, 1"})
    void logprobBackward(DType dtype, int n, int v, double temperature) {
        float[] logits = gaussian(1, n * v);
        int[] targets = indices(2, n, v);
        float[] coefficient = gaussian(3, n);
        double[][] results = run(r -> {
            Tensor z = r.inOut(dtype, logits, n, v);
            double[] before = r.get(z);
            Tensor lse = r.outF32(n);
            r.kernels().vocabReduce(new VocabStats(lse, null, null, null, null), z, null, temperature, 1);
            r.kernels().logprobBackward(z, lse, r.in(targets), r.inF32(coefficient, n), temperature);
            return new double[][] {r.get(z), before};
        });
        for (int row = 0; row < n; row++) {
            double[] z = Arrays.copyOfRange(results[1], row * v, (row + 1) * v);
            double[] expected = VocabOracle.logprobBackward(z, targets[row], coefficient[row], temperature);
            double[] actual = Arrays.copyOfRange(results[0], row * v, (row + 1) * v);
            double relative = dtype == DType.F32 ? 4e-6 : 1.0 / 256; // half a unit in the last place of bf16
            assertClose(expected, actual, relative, 2e-7, "row " + row);
        }
    }

    /** -inf stays without gradient, a coefficient of 0 gives zeros, a certain token gives (nearly) none. */
    @Test
    void logprobBackwardAtTheEdges() {
        int v = 100;
        float[] logits = gaussian(1, 3 * v);
        logits[3] = Float.NEGATIVE_INFINITY;
        logits[2 * v + 7] = 1e4f;
        int[] targets = {4, 5, 7};
        float[] coefficient = {1, 0, 1};
        double[][] results = run(r -> {
            Tensor z = r.inOutF32(logits, 3, v);
            Tensor lse = r.outF32(3);
            r.kernels().vocabReduce(new VocabStats(lse, null, null, null, null), z, null, 1, 1);
            r.kernels().logprobBackward(z, lse, r.in(targets), r.inF32(coefficient, 3), 1);
            return new double[][] {r.get(z)};
        });
        for (int row = 0; row < 3; row++) {
            double[] z = widen(Arrays.copyOfRange(logits, row * v, (row + 1) * v));
            assertClose(VocabOracle.logprobBackward(z, targets[row], coefficient[row], 1),
                    Arrays.copyOfRange(results[0], row * v, (row + 1) * v), 4e-6, 2e-7, "row " + row);
        }
    }
}
