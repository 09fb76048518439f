package intuitor.device;

import static intuitor.device.KernelRun.gaussian;
import static intuitor.device.KernelRun.run;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Drawing tokens: against the oracle's own Philox, against the distribution, and at the edges. */
class SampleKernelTest {

    /** Scores closer than this may be ordered either way in fp32. */
    private static final double TIE = 1e-4;

    /** {token, logprob, entropy, self-certainty, logits as the kernel saw them}. */
    private static double[][] sample(DType dtype, float[] logits, int v, long[] sequence, int[] position, Sampling s) {
        int n = sequence.length;
        return run(r -> {
            Tensor z = r.in(dtype, logits, n, v);
            Tensor token = r.out(DType.I32, n);
            var out = new VocabStats(null, r.outF32(n), r.outF32(n), r.outF32(n), null);
            r.kernels().sample(token, out, z, r.in(sequence), r.in(position), s, 1);
            return new double[][] {r.get(token), r.get(out.logprob()), r.get(out.entropy()),
                r.get(out.selfCertainty()), r.get(z)};
        });
    }

    private static void assertDrawn(double[][] results, int v, long[] sequence, int[] position, Sampling s) {
        for (int row = 0; row < sequence.length; row++) {
            double[] z = Arrays.copyOfRange(results[4], row * v, (row + 1) * v);
            int token = (int) results[0][row];
            assertTrue(token >= 0 && token < s.validVocab(), "row " + row + ": token " + token);
            if (s.temperature() == 0) {
                double[] valid = Arrays.copyOf(z, s.validVocab());
                assertEquals(VocabOracle.stats(valid, 0, 1, 1).argmax(), token, "row " + row);
            } else {
                double[] scores = VocabOracle.scores(z, s, sequence[row], position[row]);
                double best = Arrays.stream(scores).max().orElseThrow();
                assertTrue(scores[token] >= best - TIE, "row " + row + ": token " + token + " scores "
                        + scores[token] + ", the best " + best);
            }
            var stats = VocabOracle.stats(z, token, s.temperature() == 0 ? 1 : s.temperature(), 1);
            assertEquals(stats.logprob(), results[1][row], 2e-6 * (1 + Math.abs(stats.lse())), "logprob, row " + row);
            assertEquals(stats.entropy(), results[2][row], 4e-6 * (1 + stats.entropy()), "entropy, row " + row);
            assertEquals(stats.selfCertainty(), results[3][row], 4e-6 * (1 + stats.selfCertainty()),
                    "self-certainty, row " + row);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "F32, 1, 1, 1, 0, 1, 0", "F32, 60, 17, 1, 0, 1, 0", "F32, 60, 17, 0, 0, 1, 0", "F32, 100, 511, 0.9, 0, 1, 0",
        "F32, 50, 512, 0.9, 50, 1, 0", "F32, 50, 512, 1.5, 0, 0.9, 0", "F32, 50, 512, 1, 0, 1, 0.05",
        "F32, 50, 511, 0.8, 40, 0.8, 0.02", "F32, 20, 8192, 1, 1, 1, 0", "F32, 20, 8192, 1, 0, 0.5, 0",
        "F32, 4, 151936, 0.9, 0, 1, 0", "F32, 4, 151936, 0.9, 50, 1, 0", "F32, 4, 151936, 1, 0, 0.95, 0",
        "F32, 4, 151936, 0, 0, 1, 0", "BF16, 60, 17, 1, 0, 1, 0", "BF16, 50, 511, 0.8, 40, 0.8, 0.02",
        "BF16, 4, 151936, 0.9, 50, 1, 0", "F32, 30, 100, 0.01, 0, 1, 0", "F32, 30, 100, 100, 0, 1, 0",
        "BF16, 20, 511, 1, 400, 1, 0", "BF16, 20, 511, 3, 0, 0.999, 0", "F32, 20, 511, 1, 400, 1, 0",
        "BF16, 5, 1025, 0.9, 0, 1, 0", "BF16, 5, 8200, 1, 0, 1, 0", "F32, 3, 9001, 0.9, 300, 0.9, 0.001"})
    void draws(DType dtype, int n, int v, double temperature, int topK, double topP, double minP) {
        float[] logits = gaussian(v + n, n * v);
        for (int i = 0; i < logits.length; i++) {
            logits[i] *= 3;
        }
        Random random = new Random(n);
        long[] sequence = random.longs(n).toArray();
        int[] position = random.ints(n, 0, Integer.MAX_VALUE).toArray();
        Sampling s = new Sampling(temperature, topK, topP, minP, v, 0x123456789abcdefL);
        assertDrawn(sample(dtype, logits, v, sequence, position, s), v, sequence, position, s);
    }

    /** Rows beyond the valid vocabulary are never drawn, be they ever so likely; the statistics count them. */
    @ParameterizedTest
    @CsvSource({"1, 0, 1", "0, 0, 1", "0.9, 5, 1", "0.9, 0, 0.7"})
    void paddingIsNotDrawn(double temperature, int topK, double topP) {
        int n = 40;
        int v = 130;
        float[] logits = gaussian(1, n * v);
        for (int row = 0; row < n; row++) {
            Arrays.fill(logits, row * v + 101, (row + 1) * v, 6);
        }
        long[] sequence = LongStream.range(0, n).toArray();
        int[] position = new int[n];
        Sampling s = new Sampling(temperature, topK, topP, 0, 101, -1);
        assertDrawn(sample(DType.F32, logits, v, sequence, position, s), v, sequence, position, s);
    }

    /** The padding begins in the midst of what a warp or a thread reads at once. */
    @ParameterizedTest
    @CsvSource({"F32, 9000, 8700, 1, 0", "BF16, 9000, 3001, 1, 0", "BF16, 9000, 8191, 0, 0",
        "BF16, 9000, 5000, 0.9, 20"})
    void widePaddingIsNotDrawn(DType dtype, int v, int valid, double temperature, int topK) {
        int n = 4;
        float[] logits = gaussian(1, n * v);
        for (int row = 0; row < n; row++) {
            Arrays.fill(logits, row * v + valid, (row + 1) * v, 9);
        }
        long[] sequence = LongStream.range(0, n).toArray();
        Sampling s = new Sampling(temperature, topK, 1, 0, valid, 5);
        assertDrawn(sample(dtype, logits, v, sequence, new int[n], s), v, sequence, new int[n], s);
    }

    /** Filters that leave one token, at any temperature. */
    @ParameterizedTest
    @CsvSource({"1, 1, 0", "0, 1, 1", "0, 1e-6, 0"})
    void oneTokenRemains(int topK, double topP, double minP) {
        int n = 20;
        int v = 700;
        float[] logits = gaussian(2, n * v);
        int[] favourite = KernelRun.indices(3, n, v);
        for (int row = 0; row < n; row++) {
            logits[row * v + favourite[row]] = 6;
        }
        long[] sequence = LongStream.range(0, n).toArray();
        double[] tokens = sample(DType.F32, logits, v, sequence, new int[n],
                new Sampling(5, topK, topP, minP, v, 7))[0];
        for (int row = 0; row < n; row++) {
            assertEquals(favourite[row], tokens[row], "row " + row);
        }
    }

    /** The statistics are those of vocab_reduce to the bit: rollout and training agree. */
    @ParameterizedTest
    @CsvSource({"F32, 0.9", "BF16, 0.9", "BF16, 1"})
    void statisticsAreThoseOfTheReduction(DType dtype, double temperature) {
        int n = 3;
        int v = 8200;
        float[] logits = gaussian(8, n * v);
        long[] sequence = LongStream.range(0, n).toArray();
        double[][] results = run(r -> {
            Tensor z = r.in(dtype, logits, n, v);
            Tensor token = r.out(DType.I32, n);
            var drawn = new VocabStats(null, r.outF32(n), r.outF32(n), r.outF32(n), null);
            var reduced = new VocabStats(null, r.outF32(n), r.outF32(n), r.outF32(n), null);
            Sampling s = new Sampling(temperature, 0, 1, 0, v - 100, 1);
            r.kernels().sample(token, drawn, z, r.in(sequence), r.in(new int[n]), s, 1);
            r.kernels().vocabReduce(reduced, z, token, temperature, 1);
            return new double[][] {r.get(drawn.logprob()), r.get(reduced.logprob()), r.get(drawn.entropy()),
                r.get(reduced.entropy()), r.get(drawn.selfCertainty()), r.get(reduced.selfCertainty())};
        });
        for (int i = 0; i < results.length; i += 2) {
            assertArrayEquals(results[i + 1], results[i], "output " + i / 2);
        }
    }

    @Test
    void impossibleTokensAreNotDrawn() {
        int n = 50;
        int v = 64;
        float[] logits = new float[n * v];
        Arrays.fill(logits, Float.NEGATIVE_INFINITY);
        for (int row = 0; row < n; row++) {
            logits[row * v + row] = -50;
            logits[row * v + 63] = -51;
        }
        double[][] results = run(r -> {
            Tensor token = r.out(DType.I32, n);
            r.kernels().sample(token, VocabStats.NONE, r.inF32(logits, n, v), r.in(LongStream.range(0, n).toArray()),
                    r.in(new int[n]), new Sampling(1, 0, 1, 0, v, 3), 1);
            return new double[][] {r.get(token)};
        });
        for (int row = 0; row < n; row++) {
            assertTrue(results[0][row] == row || results[0][row] == 63, "row " + row + ": " + results[0][row]);
        }
    }

    /** What is not finite leaves a token, makes the statistics NaN, and does nothing to the rows beside it. */
    @ParameterizedTest
    @ValueSource(doubles = {0, 0.8})
    void whatIsNotFiniteStaysInItsRow(double temperature) {
        int n = 6;
        int v = 2100;
        float[] clean = gaussian(8, n * v);
        float[] dirty = clean.clone();
        Arrays.fill(dirty, 0, v, Float.NaN);
        Arrays.fill(dirty, 2 * v, 3 * v, Float.NEGATIVE_INFINITY);
        dirty[3 * v + 1500] = Float.POSITIVE_INFINITY;
        dirty[5 * v + 70] = Float.NaN;
        long[] sequence = LongStream.range(0, n).toArray();
        Sampling s = new Sampling(temperature, 0, 1, 0, v - 5, 9);
        double[][][] results = {sample(DType.F32, clean, v, sequence, new int[n], s),
            sample(DType.F32, dirty, v, sequence, new int[n], s)};
        assertEquals(0, results[1][0][0], "all NaN");
        assertEquals(0, results[1][0][2], "all -inf");
        assertEquals(1500, results[1][0][3], "one inf");
        assertTrue(results[1][0][5] >= 0 && results[1][0][5] < v - 5, "one NaN: " + results[1][0][5]);
        for (int row = 0; row < n; row++) {
            boolean isSpoilt = row != 1 && row != 4;
            for (int i = isSpoilt ? 1 : 0; i < 4; i++) {
                assertEquals(isSpoilt ? Double.NaN : results[0][i][row], results[1][i][row], i + ", row " + row);
            }
        }
    }

    /** Equal logits at the edge of top-k and top-p stay together. */
    @Test
    void tiesAreKept() {
        int n = 400;
        int v = 40;
        float[] logits = new float[n * v];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = i % v < 10 ? 2 : 0; // ten equal favourites
        }
        long[] sequence = LongStream.range(0, n).toArray();
        Sampling s = new Sampling(1, 3, 1, 0, v, 9);
        double[][] results = sample(DType.F32, logits, v, sequence, new int[n], s);
        assertDrawn(results, v, sequence, new int[n], s);
        assertEquals(10, Arrays.stream(results[0]).distinct().count(), "favourites drawn");
    }

    /** A draw depends on seed, sequence and position, not on its place in the batch. */
    @Test
    void drawsDoNotDependOnTheBatch() {
        int n = 30;
        int v = 500;
        float[] row = gaussian(4, v);
        float[] logits = new float[n * v];
        for (int i = 0; i < n; i++) {
            System.arraycopy(row, 0, logits, i * v, v);
        }
        long[] sequence = LongStream.range(0, n).map(i -> i / 3).toArray();
        int[] position = new int[n];
        Arrays.setAll(position, i -> i % 3);
        Sampling s = new Sampling(1, 0, 1, 0, v, 9);
        double[] together = sample(DType.F32, logits, v, sequence, position, s)[0];
        for (int i = 0; i < n; i += 7) {
            double[] alone = sample(DType.F32, row, v, new long[] {sequence[i]}, new int[] {position[i]}, s)[0];
            assertEquals(alone[0], together[i], "row " + i);
        }
        assertTrue(Arrays.stream(together).distinct().count() > n / 2, "different draws for different keys");
        Sampling other = new Sampling(1, 0, 1, 0, v, 10);
        assertTrue(!Arrays.equals(together, sample(DType.F32, logits, v, sequence, position, other)[0]),
                "another seed draws otherwise");
    }

    /** Pearson's chi-square of 2,000 draws from one row, over sequences and over positions. */
    @ParameterizedTest
    @CsvSource({"1, 0, 1, 0", "0.7, 0, 1, 0", "1, 12, 1, 0", "1, 0, 0.8, 0", "1, 0, 1, 0.2", "1.3, 20, 0.9, 0.05"})
    void drawsFollowTheDistribution(double temperature, int topK, double topP, double minP) {
        int n = 2_000;
        int v = 30;
        float[] row = gaussian(5, v);
        float[] logits = new float[n * v];
        for (int i = 0; i < n; i++) {
            System.arraycopy(row, 0, logits, i * v, v);
        }
        long[] sequence = LongStream.range(0, n).map(i -> i % 200).toArray();
        int[] position = new int[n];
        Arrays.setAll(position, i -> i / 200);
        Sampling s = new Sampling(temperature, topK, topP, minP, v, 42);
        double[] tokens = run(r -> {
            Tensor token = r.out(DType.I32, n);
            r.kernels().sample(token, VocabStats.NONE, r.inF32(logits, n, v), r.in(sequence), r.in(position), s, 1);
            return new double[][] {r.get(token)};
        })[0];

        boolean[] kept = VocabOracle.kept(KernelRun.widen(row), s);
        double total = 0;
        for (int j = 0; j < v; j++) {
            total += kept[j] ? Math.exp(row[j] / temperature) : 0;
        }
        double chiSquare = 0;
        int categories = 0;
        for (int j = 0; j < v; j++) {
            int id = j;
            double expected = kept[j] ? n * Math.exp(row[j] / temperature) / total : 0;
            long drawn = Arrays.stream(tokens).filter(t -> t == id).count();
            if (expected == 0) {
                assertEquals(0, drawn, "draws of filtered token " + j);
            } else {
                chiSquare += (drawn - expected) * (drawn - expected) / expected;
                categories++;
            }
        }
        // mean k - 1, deviation sqrt(2 (k - 1)): beyond five deviations once in some hundred thousand seeds
        double freedom = categories - 1;
        assertTrue(chiSquare < freedom + 5 * Math.sqrt(2 * freedom), chiSquare + " with " + freedom + " degrees");
    }

    /** Positive logits are divided, the others multiplied; tokens that are not listed stay as they are. */
    @Test
    void theRepetitionPenaltyIsForTheListedTokens() {
        int v = 37;
        float[] logits = KernelRun.gaussian(4, 3 * v);
        logits[2] = Float.NEGATIVE_INFINITY;
        int[] tokens = {2, 36, 0, 5, 6};
        int[] offsets = {0, 3, 3, 5};
        double[][] results = KernelRun.run(r -> {
            Tensor z = r.inOutF32(logits, 3, v);
            r.kernels().repetitionPenalty(z, r.in(tokens), r.in(offsets), 1.3);
            return new double[][] {r.get(z)};
        });
        float[] expected = logits.clone();
        for (int row = 0; row < 3; row++) {
            for (int i = offsets[row]; i < offsets[row + 1]; i++) {
                int at = row * v + tokens[i];
                expected[at] = logits[at] > 0 ? logits[at] / 1.3f : logits[at] * 1.3f;
            }
        }
        KernelRun.assertClose(KernelRun.widen(expected), results[0], 1e-7, 0, "logits");
    }
}
