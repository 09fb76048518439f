package intuitor.device;

import static intuitor.device.KernelRun.gaussian;
import static intuitor.device.KernelRun.run;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rows of logits that come a tile of columns at a time, beside fp64 and beside the same rows whole. */
class VocabTilesKernelTest {

    private static final int SEGMENT = Kernels.VOCAB_SEGMENT;
    private static final int OUTPUTS = 5;

    /** What is known of rows [n,v] after tiles of so many columns, and then the same by the whole rows. */
    private static double[][] reduce(DType dtype, float[] logits, int v, int tile, int[] targets, double temperature,
            double certaintyTemperature) {
        int n = targets.length;
        return run(r -> {
            Kernels k = r.kernels();
            Tensor target = r.in(targets);
            Tensor state = Kernels.vocabState(r.arena(), n);
            for (int first = 0; first < v; first += tile) {
                int columns = Math.min(tile, v - first);
                Tensor z = r.in(dtype, columns(logits, v, first, columns), n, columns);
                k.vocabAccumulate(state, z, first, target, temperature, certaintyTemperature);
            }
            VocabStats tiled = stats(r, n);
            k.vocabFinish(tiled, state, temperature, certaintyTemperature, v);
            VocabStats whole = stats(r, n);
            k.vocabReduce(whole, r.in(dtype, logits, n, v), target, temperature, certaintyTemperature);
            double[][] results = Arrays.copyOf(get(r, tiled), 2 * OUTPUTS);
            System.arraycopy(get(r, whole), 0, results, OUTPUTS, OUTPUTS);
            return results;
        });
    }

    private static VocabStats stats(KernelRun r, int n) {
        return new VocabStats(r.outF32(n), r.outF32(n), r.outF32(n), r.outF32(n), r.out(DType.I32, n));
    }

    private static double[][] get(KernelRun r, VocabStats s) {
        return new double[][] {r.get(s.lse()), r.get(s.logprob()), r.get(s.entropy()), r.get(s.selfCertainty()),
            r.get(s.argmax())};
    }

    /** Columns first .. first + count - 1 of rows of v. */
    private static float[] columns(float[] rows, int v, int first, int count) {
        int n = rows.length / v;
        float[] part = new float[n * count];
        for (int i = 0; i < n; i++) {
            System.arraycopy(rows, i * v + first, part, i * count, count);
        }
        return part;
    }

    private static void assertSameBits(double[][] results) {
        for (int i = 0; i < OUTPUTS; i++) {
            assertArrayEquals(results[OUTPUTS + i], results[i], "output " + i);
        }
    }

    /** A row each: ordinary; climbing and falling by far; a plain with one peak in the last tile; huge. */
    private static float[] rows(int v) {
        float[] logits = gaussian(v, 5 * v);
        for (int i = 0; i < v; i++) {
            logits[i] *= 3;
            logits[v + i] += 0.01f * i;
            logits[2 * v + i] -= 0.01f * i;
            logits[4 * v + i] *= 1e3f;
        }
        logits[4 * v - 1] = 500;
        return logits;
    }

    @ParameterizedTest
    @CsvSource({
        "F32, 1, 1, 1", "F32, 17, 1, 1", "F32, 16383, 0.9, 1", "F32, 16384, 1, 1", "F32, 16385, 1, 1",
        "F32, 16385, 0.7, 1.3", "F32, 40000, 0.9, 1", "F32, 40000, 1, 1", "BF16, 1, 1, 1", "BF16, 16384, 0.9, 1",
        "BF16, 16385, 1, 1", "BF16, 40008, 0.7, 1.3"})
    void tilesGiveTheBitsOfWholeRows(DType dtype, int v, double temperature, double certaintyTemperature) {
        float[] logits = rows(v);
        int n = logits.length / v;
        for (int tile : v > 2 * SEGMENT ? new int[] {SEGMENT, 2 * SEGMENT} : new int[] {SEGMENT}) {
            int[] targets = {0, v / 2, Math.min(SEGMENT, v - 1), v - 1, Math.min(SEGMENT - 1, v - 1)};
            double[][] results = reduce(dtype, logits, v, tile, targets, temperature, certaintyTemperature);
            assertSameBits(results);
            for (int row = 0; row < n; row++) {
                double[] z = new double[v];
                for (int i = 0; i < v; i++) {
                    z[i] = dtype == DType.F32 ? logits[row * v + i] : KernelRun.bf16(logits[row * v + i]);
                }
                var expected = VocabOracle.stats(z, targets[row], temperature, certaintyTemperature);
                double size = Math.abs(Arrays.stream(z).map(Math::abs).max().orElse(0)) / temperature;
                double bound = 2e-6 + 2e-7 * size; // of numbers as large as the logits
                String what = "row " + row + " in tiles of " + tile + ", ";
                assertEquals(expected.lse(), results[0][row], bound, what + "lse");
                assertEquals(expected.logprob(), results[1][row], 2 * bound, what + "logprob");
                assertEquals(expected.entropy(), results[2][row], 4e-6 * expected.entropy() + 2e-6, what + "entropy");
                assertEquals(expected.selfCertainty(), results[3][row],
                        2e-6 * Math.abs(expected.selfCertainty()) + bound, what + "self-certainty");
                assertEquals(expected.argmax(), results[4][row], what + "argmax");
            }
        }
    }

    /** The width of Qwen2.5's head. */
    @Test
    void aWholeVocabulary() {
        int v = 151_936;
        float[] logits = gaussian(1, 2 * v);
        assertSameBits(reduce(DType.F32, logits, v, SEGMENT, new int[] {150_000, 20_000}, 0.9, 1));
    }

    /** Tiles without a finite logit, first, last and in the middle; a target that is impossible. */
    @ParameterizedTest
    @CsvSource({"F32", "BF16"})
    void impossibleTokens(DType dtype) {
        int v = 3 * SEGMENT + 5;
        float[] logits = gaussian(2, 5 * v);
        Arrays.fill(logits, 0, SEGMENT, Float.NEGATIVE_INFINITY);
        Arrays.fill(logits, v + SEGMENT, v + 2 * SEGMENT, Float.NEGATIVE_INFINITY);
        Arrays.fill(logits, 2 * v + 3 * SEGMENT, 3 * v, Float.NEGATIVE_INFINITY);
        Arrays.fill(logits, 3 * v, 4 * v, Float.NEGATIVE_INFINITY);
        logits[4 * v + 7] = Float.NEGATIVE_INFINITY;
        double[][] results = reduce(dtype, logits, v, SEGMENT, new int[] {SEGMENT, 3, v - 1, 0, 7}, 0.9, 1);
        assertSameBits(results);
        assertEquals(Double.NEGATIVE_INFINITY, results[1][2], "the log-probability of an impossible token");
        assertEquals(Double.POSITIVE_INFINITY, results[3][0], "self-certainty");
        assertEquals(0, results[4][3], "the argmax of nothing");
        assertTrue(results[4][0] >= SEGMENT, "the argmax is possible");
    }

    @Test
    void ofEqualLogitsTheLowestIndexIsTheArgmax() {
        int v = 3 * SEGMENT;
        float[] logits = new float[2 * v];
        for (int i : new int[] {SEGMENT + 9, SEGMENT + 200, 2 * SEGMENT + 1}) {
            logits[i] = 1;
        }
        double[][] results = reduce(DType.F32, logits, v, SEGMENT, new int[] {0, 0}, 1, 1);
        assertEquals(SEGMENT + 9, results[4][0]);
        assertEquals(0, results[4][1]);
    }

    /** Where one temperature is enough, the caller says so, as vocab_reduce does by itself. */
    @Test
    void oneTemperatureForWhatIsWanted() {
        int v = SEGMENT + 100;
        int n = 3;
        float[] logits = gaussian(5, n * v);
        for (int i = 0; i < logits.length; i++) {
            logits[i] *= 1 + new Random(i).nextInt(20);
        }
        int[] targets = {5, SEGMENT + 3, SEGMENT - 1};
        double[][] results = run(r -> {
            Kernels k = r.kernels();
            Tensor z = r.inF32(logits, n, v);
            Tensor target = r.in(targets);
            Tensor state = Kernels.vocabState(r.arena(), n);
            Tensor[] out = {r.outF32(n), r.outF32(n), r.outF32(n), r.outF32(n)};
            k.vocabReduce(new VocabStats(null, out[0], null, null, null), z, target, 0.6, 1.1);
            k.vocabAccumulate(state, z, 0, target, 0.6, 0.6);
            k.vocabFinish(new VocabStats(null, out[1], null, null, null), state, 0.6, 0.6, v);
            k.vocabReduce(new VocabStats(null, null, null, out[2], null), z, null, 0.6, 1.1);
            k.vocabAccumulate(state, z, 0, null, 1.1, 1.1);
            k.vocabFinish(new VocabStats(null, null, null, out[3], null), state, 1.1, 1.1, v);
            Tensor unknown = r.outF32(n);
            k.vocabFinish(new VocabStats(null, unknown, null, null, null), state, 1.1, 1.1, v);
            return new double[][] {r.get(out[0]), r.get(out[1]), r.get(out[2]), r.get(out[3]), r.get(unknown)};
        });
        assertArrayEquals(results[0], results[1], "log-probability");
        assertArrayEquals(results[2], results[3], "self-certainty");
        assertArrayEquals(new double[] {Double.NaN, Double.NaN, Double.NaN}, results[4], "without targets");
    }

    @Test
    void noRows() {
        assertEquals(0, reduce(DType.F32, new float[0], 17, SEGMENT, new int[0], 1, 1)[0].length);
    }

    @Test
    void aTileBeginsAtASegment() {
        try (Device device = TestDevices.open(1); Arena arena = device.arena("test")) {
            Tensor z = arena.zeros("z", DType.F32, 1, 10);
            var e = assertThrows(IllegalArgumentException.class, () -> device.kernels().vocabAccumulate(
                    Kernels.vocabState(arena, 1), z, 10, null, 1, 1));
            assertTrue(e.getMessage().contains("not at column 10"), e.getMessage());
            for (long first : new long[] {1L << 31, 1L << 40}) { // ids have 32 bits
                e = assertThrows(IllegalArgumentException.class, () -> device.kernels().vocabAccumulate(
                        Kernels.vocabState(arena, 1), z, first, null, 1, 1));
                assertTrue(e.getMessage().contains("a tile begins at column " + first + ", not"), e.getMessage());
            }
        }
    }
}
