package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.device.abi.Intuitor;
import intuitor.device.abi.it_api;
import intuitor.device.abi.it_sampling;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.DoubleStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The fused LM head that draws, on the emulated device or a GPU: beside fp64, beside sample, and at the edges. */
class FusedSampleTest {

    private static final long SEED = 0x123456789abcdefL;

    /** Where each row is in the noise. */
    private record Places(long[] sequence, int[] position) {

        static Places random(int n) {
            Random random = new Random(n);
            return new Places(random.longs(n).toArray(), random.ints(n, 0, Integer.MAX_VALUE).toArray());
        }
    }

    private record Drawn(int[] tokens, float[] logprob, float[] entropy, float[] selfCertainty) {

        float[][] statistics() {
            return new float[][] {logprob, entropy, selfCertainty};
        }
    }

    private static Sampling at(double temperature, int valid) {
        return new Sampling(temperature, 0, 1, 0, valid, SEED);
    }

    private static Drawn draw(HeadCase c, Places places, Sampling s, double certaintyTemperature) {
        try (Device device = HeadCase.open(); Arena arena = device.arena("test")) {
            return draw(arena, c, places, s, certaintyTemperature);
        }
    }

    private static Drawn draw(Arena arena, HeadCase c, Places places, Sampling s, double certaintyTemperature) {
        Tensor token = arena.allocate("token", DType.I32, c.n());
        VocabStats out = stats(arena, c.n());
        new FusedHead(arena.device(), c.weight(arena)).draw(token, out, c.hidden(arena),
                arena.upload("sequence", places.sequence()), arena.upload("position", places.position()), s,
                certaintyTemperature);
        return drawn(token, out);
    }

    /** What sample draws from the stored product of the same matrices. */
    private static Drawn stored(Arena arena, HeadCase c, Places places, Sampling s, double certaintyTemperature) {
        Tensor logits = arena.allocate("logits", DType.F32, c.n(), c.v());
        arena.device().blas().gemm(logits, c.hidden(arena), false, c.weight(arena), true, false);
        Tensor token = arena.allocate("token", DType.I32, c.n());
        VocabStats out = stats(arena, c.n());
        arena.device().kernels().sample(token, out, logits, arena.upload("sequence", places.sequence()),
                arena.upload("position", places.position()), s, certaintyTemperature);
        return drawn(token, out);
    }

    private static VocabStats stats(Arena arena, int n) {
        return new VocabStats(null, arena.allocate("logprob", DType.F32, n), arena.allocate("entropy", DType.F32, n),
                arena.allocate("self-certainty", DType.F32, n), null);
    }

    private static Drawn drawn(Tensor token, VocabStats out) {
        int[] tokens = new int[Math.toIntExact(token.size())];
        token.owner().device().download(tokens, token);
        return new Drawn(tokens, GemmOracle.get(out.logprob()), GemmOracle.get(out.entropy()),
                GemmOracle.get(out.selfCertainty()));
    }

    /** How far a score of these logits may be from its exact value: two roughly rounded logarithms, and fp32 sums. */
    private static double rounding(double[] z, Sampling s) {
        double largest = Arrays.stream(z).map(Math::abs).max().orElseThrow();
        double temperature = s.temperature() == 0 ? 1 : s.temperature();
        return 1e-5 + 2e-6 * largest / temperature;
    }

    /**
     * Every token is the best one, unless another is as good within rounding; that may be so in one row of fifty, and
     * is said.
     */
    private static void assertDrawn(HeadCase c, Places places, Sampling s, double certaintyTemperature, Drawn drawn) {
        int close = 0;
        for (int row = 0; row < c.n(); row++) {
            double[] z = c.logits(row);
            int token = drawn.tokens()[row];
            assertTrue(token >= 0 && token < s.validVocab(), "row " + row + ": token " + token);
            double[] scores = s.temperature() == 0 ? Arrays.copyOf(z, s.validVocab())
                    : VocabOracle.scores(z, s, places.sequence()[row], places.position()[row]);
            double best = Arrays.stream(scores).max().orElseThrow();
            double bound = 2 * rounding(z, s);
            assertTrue(scores[token] >= best - bound, "row " + row + ": token " + token + " scores " + scores[token]
                    + ", the best " + best);
            close += Arrays.stream(scores).filter(x -> x >= best - bound).count() > 1 ? 1 : 0;

            var e = VocabOracle.stats(z, token, s.temperature() == 0 ? 1 : s.temperature(), certaintyTemperature);
            double[] expected = {e.logprob(), e.entropy(), e.selfCertainty()};
            for (int i = 0; i < expected.length; i++) {
                assertEquals(expected[i], drawn.statistics()[i][row],
                        4e-6 * (Math.abs(expected[i]) + Math.abs(e.lse())) + 1e-5, "output " + i + " of row " + row);
            }
        }
        assertTrue(50 * close <= c.n(), close + " of " + c.n() + " rows are decided by rounding");
    }

    @ParameterizedTest
    @CsvSource({
        "1, 8, 1, 1, 0.7, 1.3", "5, 40, 300, 1, 0.9, 1", "130, 64, 257, 0.25, 1.4, 1.4", "60, 72, 5000, 0.25, 0.8, 0.8",
        "9, 16, 9001, 1, 0.5, 2", "300, 16, 700, 0.5, 1, 1", "128, 24, 256, 0.5, 1, 0.5", "129, 24, 255, 0.5, 0, 1",
        "60, 40, 1100, 0.5, 0, 1.2", "40, 32, 600, 0.25, 0.01, 1", "40, 32, 600, 0.25, 1000, 1000",
        "64, 8, 9001, 0, 1, 1"}) // the last: equal logits, nothing but noise
    void draws(int n, int h, int v, float scale, double temperature, double certaintyTemperature) {
        HeadCase c = HeadCase.of(n, h, v, scale);
        Places places = Places.random(n);
        Sampling s = at(temperature, v);
        assertDrawn(c, places, s, certaintyTemperature, draw(c, places, s, certaintyTemperature));
    }

    /** Logits of some hundreds: at temperature 1 their rounding is small still, at 0.2 the largest is drawn. */
    @Test
    void largeLogits() {
        HeadCase c = HeadCase.of(20, 64, 700, 8);
        Places places = Places.random(c.n());
        for (double temperature : new double[] {0, 0.2, 1, 50}) {
            Sampling s = at(temperature, c.v());
            Drawn drawn = draw(c, places, s, 1);
            for (int row = 0; row < c.n(); row++) {
                double[] z = c.logits(row);
                double[] scores = temperature == 0 ? z
                        : VocabOracle.scores(z, s, places.sequence()[row], places.position()[row]);
                double best = Arrays.stream(scores).max().orElseThrow();
                assertTrue(scores[drawn.tokens()[row]] >= best - 2 * rounding(z, s), "row " + row);
                var e = VocabOracle.stats(z, drawn.tokens()[row], temperature == 0 ? 1 : temperature, 1);
                assertEquals(e.logprob(), drawn.logprob()[row], 2e-6 * Math.abs(e.lse()) + 1e-5, "row " + row);
            }
        }
    }

    /** Rows beyond the valid vocabulary are never drawn, be they ever so likely; the statistics count them. */
    @ParameterizedTest
    @CsvSource({"1, 130, 101", "0, 130, 101", "1, 700, 512", "0, 700, 511", "0.9, 700, 513", "1, 600, 1",
        "0, 600, 200"})
    void paddingIsNotDrawn(double temperature, int v, int valid) {
        HeadCase c = HeadCase.of(40, 16, v, 0.5f);
        Arrays.fill(c.hidden(), 1);
        for (int j = valid; j < v; j++) {
            Arrays.fill(c.weight(), j * c.h(), (j + 1) * c.h(), 1);
        }
        Places places = Places.random(c.n());
        Sampling s = at(temperature, valid);
        assertDrawn(c, places, s, 1, draw(c, places, s, 1));
    }

    /** Of equal logits, the lowest id. */
    @Test
    void greedyTies() {
        HeadCase c = HeadCase.of(20, 8, 1000, 0);
        assertArrayEquals(new int[20], draw(c, Places.random(20), at(0, 1000), 1).tokens());
    }

    /**
     * What sample draws from the stored product of the same matrices: 1000 rows, of which those that are decided by
     * rounding may differ.
     */
    @ParameterizedTest
    @CsvSource({"1", "0.7", "0"})
    void theTokensOfSample(double temperature) {
        HeadCase c = HeadCase.of(1000, 32, 520, 0.5f);
        Places places = Places.random(c.n());
        Sampling s = at(temperature, c.v() - 3);
        try (Device device = HeadCase.open(); Arena arena = device.arena("test")) {
            Drawn fused = draw(arena, c, places, s, 1.5);
            Drawn stored = stored(arena, c, places, s, 1.5);
            int others = 0;
            for (int row = 0; row < c.n(); row++) {
                if (fused.tokens()[row] == stored.tokens()[row]) {
                    assertEquals(stored.logprob()[row], fused.logprob()[row], 1e-5, "logprob, row " + row);
                    assertEquals(stored.entropy()[row], fused.entropy()[row], 1e-5, "entropy, row " + row);
                    assertEquals(stored.selfCertainty()[row], fused.selfCertainty()[row], 1e-5, "row " + row);
                } else {
                    others++;
                    double[] z = c.logits(row);
                    double[] scores = temperature == 0 ? z
                            : VocabOracle.scores(z, s, places.sequence()[row], places.position()[row]);
                    assertEquals(scores[stored.tokens()[row]], scores[fused.tokens()[row]], 2 * rounding(z, s),
                            "scores of the two tokens of row " + row);
                }
            }
            assertTrue(others <= 2, others + " of " + c.n() + " tokens are other ones");
        }
    }

    /**
     * What is not finite stays in its row: the token is one that sample draws, the statistics are NaN, and the rows
     * beside it keep their bits, in a block of its own and in a cluster of blocks.
     */
    @ParameterizedTest
    @CsvSource({"7, 0, 1", "7, 0.8, 0.8", "140, 0, 1", "140, 0.8, 1.2"})
    void whatIsNotFiniteStaysInItsRow(int n, double temperature, double certaintyTemperature) {
        HeadCase clean = HeadCase.of(n, 24, 600, 0.5f);
        HeadCase dirty = HeadCase.of(n, 24, 600, 0.5f);
        for (HeadCase c : List.of(clean, dirty)) {
            for (int j = 0; j < c.v(); j++) {
                c.weight()[j * c.h()] = -0.5f;
            }
        }
        float infinity = Float.POSITIVE_INFINITY;
        dirty.hidden()[5] = Float.NaN; // row 0: all logits NaN
        dirty.hidden()[2 * 24] = infinity; // all -inf
        dirty.hidden()[3 * 24] = -infinity; // all inf
        dirty.hidden()[4 * 24 + 7] = infinity; // of either sign
        dirty.hidden()[(n - 1) * 24] = infinity;
        dirty.hidden()[(n - 1) * 24 + 1] = -infinity; // some NaN, some -inf
        Set<Integer> spoilt = Set.of(0, 2, 3, 4, n - 1);
        Places places = Places.random(n);
        Sampling s = at(temperature, 597);
        try (Device device = HeadCase.open(); Arena arena = device.arena("test")) {
            Drawn expected = draw(arena, clean, places, s, certaintyTemperature);
            Drawn drawn = draw(arena, dirty, places, s, certaintyTemperature);
            Drawn stored = stored(arena, dirty, places, s, certaintyTemperature);
            for (int row = 0; row < n; row++) {
                boolean isSpoilt = spoilt.contains(row);
                assertEquals((isSpoilt ? stored : expected).tokens()[row], drawn.tokens()[row], "row " + row);
                for (int i = 0; i < 3; i++) {
                    float value = drawn.statistics()[i][row];
                    assertEquals(isSpoilt ? Float.NaN : expected.statistics()[i][row], value, i + ", row " + row);
                    assertEquals(Float.isNaN(stored.statistics()[i][row]), isSpoilt, i + ", row " + row);
                }
            }
        }
    }

    /** Of products that overflow to -inf none is drawn; what the drawn one's log-probability is, they do not change. */
    @ParameterizedTest
    @ValueSource(doubles = {0, 1})
    void overflowIsNotDrawn(double temperature) {
        HeadCase c = HeadCase.of(40, 16, 600, 0.25f);
        for (int j = 0; j < c.v(); j++) {
            c.weight()[j * c.h()] = j % 3 == 0 || j < 300 ? -0x1p127f : 0; // all of the first tile, and more
        }
        for (int row = 0; row < c.n(); row++) {
            c.hidden()[row * c.h()] = row % 2 == 0 ? 4 : 0;
        }
        Drawn drawn = draw(c, Places.random(c.n()), at(temperature, c.v()), 1.5);
        for (int row = 0; row < c.n(); row++) {
            double[] z = Arrays.stream(c.logits(row)).filter(x -> x > -1e38).toArray();
            int token = drawn.tokens()[row];
            assertTrue(row % 2 != 0 || token >= 300 && token % 3 != 0, "row " + row + ": token " + token);
            double lse = Math.log(Arrays.stream(z).map(Math::exp).sum());
            assertEquals(c.logits(row)[token] - lse, drawn.logprob()[row], 1e-4, "row " + row);
            assertEquals(row % 2 == 0, Float.isNaN(drawn.entropy()[row]), "row " + row);
            assertEquals(row % 2 == 0, drawn.selfCertainty()[row] == Float.POSITIVE_INFINITY, "row " + row);
        }
    }

    /** A row has the same token and bits alone, in a block of its own, and among others, in a cluster of blocks. */
    @Test
    void sameBitsInEveryBatch() {
        HeadCase c = HeadCase.of(140, 40, 1500, 0.5f);
        Places places = Places.random(c.n());
        Sampling s = at(0.8, c.v());
        Drawn together = draw(c, places, s, 1.2);
        for (int row : new int[] {0, 77, 133}) {
            Drawn alone = draw(c.row(row), new Places(new long[] {places.sequence()[row]},
                    new int[] {places.position()[row]}), s, 1.2);
            assertEquals(alone.tokens()[0], together.tokens()[row]);
            assertEquals(alone.logprob()[0], together.logprob()[row]);
            assertEquals(alone.entropy()[0], together.entropy()[row]);
            assertEquals(alone.selfCertainty()[0], together.selfCertainty()[row]);
        }
    }

    /** What is not wanted changes nothing but, at one temperature, the sums that there are. */
    @Test
    void everyStatisticIsOptional() {
        HeadCase c = HeadCase.of(3, 24, 700, 0.5f);
        Places places = Places.random(c.n());
        Sampling s = at(0.9, c.v());
        Drawn all = draw(c, places, s, 0.9);
        try (Device device = HeadCase.open(); Arena arena = device.arena("test")) {
            Tensor token = arena.allocate("token", DType.I32, c.n());
            VocabStats out = stats(arena, c.n());
            Tensor sequence = arena.upload("sequence", places.sequence());
            Tensor position = arena.upload("position", places.position());
            for (VocabStats wanted : new VocabStats[] {VocabStats.NONE,
                new VocabStats(null, out.logprob(), null, null, null),
                new VocabStats(null, null, out.entropy(), null, null),
                new VocabStats(null, null, null, out.selfCertainty(), null)}) {
                device.zero(token);
                device.kernels().lmHeadSample(token, wanted, c.hidden(arena), c.weight(arena), sequence, position, s,
                        0.9);
                assertArrayEquals(all.tokens(), drawn(token, out).tokens());
            }
            Drawn one = drawn(token, out);
            assertArrayEquals(all.logprob(), one.logprob());
            assertArrayEquals(all.entropy(), one.entropy());
            assertArrayEquals(all.selfCertainty(), one.selfCertainty());
        }
    }

    /** Pearson's chi-square of draws from one row, over sequences and over positions; wider than a tile, too. */
    @ParameterizedTest
    @CsvSource({"30, 2000, 1", "30, 2000, 0.7", "300, 4000, 1.5"})
    void drawsFollowTheDistribution(int v, int n, double temperature) {
        HeadCase c = HeadCase.of(1, 8, v, 0.25f).repeated(n);
        long[] sequence = LongStream.range(0, n).map(i -> i % 200).toArray();
        int[] position = new int[n];
        Arrays.setAll(position, i -> i / 200);
        int[] tokens = draw(c, new Places(sequence, position), at(temperature, v), 1).tokens();

        double[] z = c.logits(0);
        double total = DoubleStream.of(z).map(x -> Math.exp(x / temperature)).sum();
        double chiSquare = 0;
        for (int j = 0; j < v; j++) {
            int id = j;
            double expected = n * Math.exp(z[j] / temperature) / total;
            long drawn = Arrays.stream(tokens).filter(t -> t == id).count();
            chiSquare += (drawn - expected) * (drawn - expected) / expected;
        }
        // mean k - 1, deviation sqrt(2 (k - 1)): beyond five deviations once in some hundred thousand seeds
        double freedom = v - 1;
        assertTrue(chiSquare < freedom + 5 * Math.sqrt(2 * freedom), chiSquare + " with " + freedom + " degrees");
    }

    /** Filters need whole rows: they are refused, not forgotten. */
    @Test
    void filtersAreRefused() {
        HeadCase c = HeadCase.of(2, 8, 50, 1);
        for (Sampling s : new Sampling[] {new Sampling(1, 5, 1, 0, 50, 1), new Sampling(1, 0, 0.9, 0, 50, 1),
            new Sampling(1, 0, 1, 0.1, 50, 1)}) {
            assertThrows(UnsupportedOperationException.class, () -> draw(c, Places.random(2), s, 1));
        }
    }

    /** By the ABI itself, since {@link Sampling} refuses most of it: what sample refuses is invalid here, too. */
    @ParameterizedTest
    @CsvSource({"1, 0, 1, 0, 50, 1, 0", "1, -1, 1, 0, 50, 1, 2", "1, 0, 1.5, 0, 50, 1, 2", "1, 0, 0, 0, 50, 1, 2",
        "1, 0, -1, 0, 50, 1, 2", "1, 0, NaN, 0, 50, 1, 2", "1, 0, 1, -0.5, 50, 1, 2", "1, 0, 1, 1.5, 50, 1, 2",
        "1, 0, 1, NaN, 50, 1, 2", "-1, 0, 1, 0, 50, 1, 2", "NaN, 0, 1, 0, 50, 1, 2", "Infinity, 0, 1, 0, 50, 1, 2",
        "1, 0, 1, 0, 0, 1, 2", "1, 0, 1, 0, 51, 1, 2", "1, 0, 1, 0, 50, 0, 2", "1, 0, 1, 0, 50, NaN, 2",
        "1, 5, 1, 0, 50, 1, 5", "1, 0, 0.5, 0, 50, 1, 5", "1, 0, 1, 0.5, 50, 1, 5", "1, 0, 1, 1, 50, 1, 5",
        "1, 5, 1.5, 0, 50, 1, 2"}) // the last: of two, the invalid one is told
    void invalidSamplingIsRefused(float temperature, int topK, float topP, float minP, int validVocab,
            float certaintyTemperature, int status) {
        HeadCase c = HeadCase.of(2, 8, 50, 1);
        try (Device device = HeadCase.open(); Arena arena = device.arena("test");
                var memory = java.lang.foreign.Arena.ofConfined()) {
            MemorySegment s = it_sampling.allocate(memory);
            it_sampling.temperature(s, temperature);
            it_sampling.top_k(s, topK);
            it_sampling.top_p(s, topP);
            it_sampling.min_p(s, minP);
            it_sampling.valid_vocab(s, validVocab);
            long token = arena.allocate("token", DType.I32, 2).address();
            long sequence = arena.upload("sequence", new long[2]).address();
            long position = arena.upload("position", new int[2]).address();
            MemorySegment table = device.api().table();
            assertEquals(status, it_api.lm_head_sample.invoke(it_api.lm_head_sample(table), token, 0, 0, 0,
                    c.hidden(arena).address(), c.weight(arena).address(), sequence, position, s, certaintyTemperature,
                    2, 8, 50, DType.BF16.code(), device.api().stream()));
            int ofSample = it_api.sample.invoke(it_api.sample(table), token, 0, 0, 0,
                    arena.zeros("logits", DType.F32, 2, 50).address(), 50, sequence, position, s, certaintyTemperature,
                    2, 50, DType.F32.code(), device.api().stream());
            assertEquals(status == Intuitor.IT_INVALID() ? status : Intuitor.IT_OK(), ofSample, "sample");
        }
    }

    @Test
    void aCpuHasNone() {
        try (Device cpu = Device.open("cpu", 1); Arena arena = cpu.arena("test")) {
            Tensor token = arena.zeros("token", DType.I32, 1);
            assertThrows(UnsupportedOperationException.class, () -> cpu.kernels().lmHeadSample(token, VocabStats.NONE,
                    arena.zeros("hidden", DType.F32, 1, 8), arena.zeros("weight", DType.F32, 4, 8),
                    arena.upload("sequence", new long[1]), arena.upload("position", new int[1]), at(1, 4), 1));
        }
    }
}
