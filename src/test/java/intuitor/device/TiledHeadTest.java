package intuitor.device;

import static intuitor.device.KernelRun.assertClose;
import static intuitor.device.KernelRun.widen;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The LM head in tiles of the vocabulary, beside fp64 and beside whole rows of logits. */
class TiledHeadTest {

    private static final int SEGMENT = Kernels.VOCAB_SEGMENT;
    private static final int HIDDEN = 40;
    private static final String[] OUTPUTS = {"lse", "logprob", "entropy", "self-certainty", "argmax"};

    private static Device device;

    @BeforeAll
    static void open() {
        device = TestDevices.open(2);
    }

    @AfterAll
    static void close() {
        device.close();
    }

    /** How the weight is given. */
    private enum Weight {
        PLAIN, PACKED, PACKED_IN_BF16;

        PackedMatrix of(Arena arena, Tensor w) {
            return switch (this) {
                case PLAIN -> device.blas().unpacked(w, true);
                case PACKED -> device.blas().pack(arena, w, true);
                case PACKED_IN_BF16 -> device.blas().pack(arena, w, true, DType.BF16);
            };
        }
    }

    /** Hidden states and targets of n rows, and a head for v tokens. */
    private record Case(int n, int v, float[] hidden, float[] weight, int[] targets) {

        static Case of(int n, int v, DType type) {
            Random random = new Random(n * 31 + v);
            return new Case(n, v, GemmOracle.gaussian(random, n * HIDDEN, type),
                    GemmOracle.gaussian(random, v * HIDDEN, type), random.ints(n, 0, v).toArray());
        }
    }

    private static double[][] get(Arena arena, Case c, DType type, Weight how, double temperature,
            double certaintyTemperature, long width) {
        try (Arena scope = arena.scope("call")) {
            long rows = device.blas().paddedRows(c.n());
            Tensor hidden = scope.zeros("hidden", type, rows, HIDDEN);
            device.cast(hidden.rows(0, c.n()), scope.upload("wide", c.hidden(), c.n(), HIDDEN));
            Tensor w = GemmOracle.put(scope, type, c.weight(), 0, c.v(), HIDDEN);
            PackedMatrix factor = how.of(scope, w);
            Tensor targets = scope.upload("targets", c.targets());
            VocabStats out = new VocabStats(scope.allocate("lse", DType.F32, c.n()),
                    scope.allocate("logprob", DType.F32, c.n()), scope.allocate("entropy", DType.F32, c.n()),
                    scope.allocate("self-certainty", DType.F32, c.n()), scope.allocate("argmax", DType.I32, c.n()));
            if (width > 0) {
                new TiledHead(scope, factor, c.n(), width).reduce(out, hidden, targets, temperature,
                        certaintyTemperature);
            } else {
                long m = factor.isPacked() ? rows : c.n();
                Tensor logits = scope.allocate("logits", DType.F32, m, c.v());
                device.blas().gemm(logits, hidden.rows(0, m), factor);
                device.kernels().vocabReduce(out, logits.rows(0, c.n()), targets, temperature, certaintyTemperature);
            }
            int[] argmax = new int[c.n()];
            device.download(argmax, out.argmax());
            return new double[][] {values(out.lse()), values(out.logprob()), values(out.entropy()),
                values(out.selfCertainty()), Arrays.stream(argmax).asDoubleStream().toArray()};
        }
    }

    private static double[] values(Tensor t) {
        return widen(GemmOracle.get(t));
    }

    @ParameterizedTest
    @CsvSource({
        "PLAIN, F32, 3, 1", "PLAIN, F32, 5, 500", "PLAIN, F32, 7, 32838", "PLAIN, BF16, 3, 16400",
        "PLAIN, F32, 1, 16385", "PACKED, F32, 1, 16385", "PACKED, F32, 7, 16384", "PACKED, F32, 40, 16383",
        "PACKED, F32, 9, 49200", "PACKED_IN_BF16, F32, 7, 32838", "PACKED_IN_BF16, F32, 1, 16385"})
    void tilesGiveWhatWholeRowsGive(Weight how, DType type, int n, int v) {
        if (how == Weight.PACKED_IN_BF16 && !device.blas().packsInBf16()) {
            throw TestDevices.skip("a head packed in bf16", "this device's library packs nothing in bf16");
        }
        Case c = Case.of(n, v, how == Weight.PACKED_IN_BF16 ? DType.BF16 : type);
        try (Arena arena = device.arena("test")) {
            double[][] whole = get(arena, c, type, how, 0.8, 1.1, 0);
            assertOracle(c, whole, 0.8, 1.1);
            for (long width : new long[] {SEGMENT, 2 * SEGMENT, 4 * SEGMENT}) {
                double[][] tiled = get(arena, c, type, how, 0.8, 1.1, width);
                for (int i = 0; i < whole.length; i++) {
                    if (device.blas().isRowInvariant()) {
                        assertArrayEquals(whole[i], tiled[i], OUTPUTS[i] + " in tiles of " + width);
                    } else {
                        assertClose(whole[i], tiled[i], 1e-6, 1e-5, OUTPUTS[i] + " in tiles of " + width);
                    }
                }
            }
        }
    }

    private static void assertOracle(Case c, double[][] actual, double temperature, double certaintyTemperature) {
        for (int row = 0; row < c.n(); row++) {
            double[] z = new double[c.v()];
            for (int j = 0; j < c.v(); j++) {
                for (int k = 0; k < HIDDEN; k++) {
                    z[j] += (double) c.hidden()[row * HIDDEN + k] * c.weight()[j * HIDDEN + k];
                }
            }
            var expected = VocabOracle.stats(z, c.targets()[row], temperature, certaintyTemperature);
            double[] values = {expected.lse(), expected.logprob(), expected.entropy(), expected.selfCertainty(),
                expected.argmax()};
            for (int i = 0; i < values.length; i++) {
                // sums of HIDDEN products of numbers near 1, in fp32
                assertEquals(values[i], actual[i][row], 1e-5 * Math.abs(values[i]) + 2e-5, OUTPUTS[i] + " of " + row);
            }
        }
    }

    /** Each alone, at the temperature that it needs. */
    @Test
    void onlyWhatIsWantedIsComputed() {
        Case c = Case.of(5, SEGMENT + 100, DType.F32);
        try (Arena arena = device.arena("test")) {
            Tensor hidden = arena.upload("hidden", c.hidden(), 5, HIDDEN);
            PackedMatrix weight = device.blas().unpacked(arena.upload("w", c.weight(), c.v(), HIDDEN), true);
            Tensor targets = arena.upload("targets", c.targets());
            Tensor logits = arena.allocate("logits", DType.F32, 5, c.v());
            device.blas().gemm(logits, hidden, weight);
            for (int i = 0; i < 4; i++) {
                Tensor[] tiled = new Tensor[4];
                Tensor[] whole = new Tensor[4];
                tiled[i] = arena.allocate("tiled", DType.F32, 5);
                whole[i] = arena.allocate("whole", DType.F32, 5);
                new TiledHead(arena, weight, 5).reduce(new VocabStats(tiled[0], tiled[1], tiled[2], tiled[3], null),
                        hidden, targets, 0.7, 1.2);
                device.kernels().vocabReduce(new VocabStats(whole[0], whole[1], whole[2], whole[3], null), logits,
                        targets, 0.7, 1.2);
                assertClose(values(whole[i]), values(tiled[i]), 1e-6, 1e-5, OUTPUTS[i]);
            }
        }
    }

    /** A tile's memory is the same however wide the head is. */
    @Test
    void memoryDoesNotGrowWithTheVocabulary() {
        assertEquals(bytes(3 * SEGMENT), bytes(6 * SEGMENT + 1));
    }

    private static long bytes(int v) {
        try (Arena weights = device.arena("weights"); Arena arena = device.arena("head")) {
            PackedMatrix packed = device.blas().pack(weights, weights.zeros("w", DType.F32, v, 16), true);
            new TiledHead(arena, packed, 10_000);
            return arena.peakBytes();
        }
    }

    /** Columns that do not begin where the library has cut the matrix are no piece of it. */
    @Test
    void columnsOfAPackedMatrix() {
        try (Arena arena = device.arena("test")) {
            PackedMatrix packed = device.blas().pack(arena, arena.zeros("w", DType.F32, 1000, 48), true);
            if (packed.isPacked()) {
                assertNull(device.blas().columns(packed, 8, 64));
            }
            PackedMatrix columns = device.blas().columns(packed, 512, 488);
            assertEquals(488, columns.columns());
            assertEquals(48, columns.rows());
            PackedMatrix other = device.blas().unpacked(arena.zeros("w", DType.F32, 48, 1000), false);
            assertNull(device.blas().columns(other, 0, 500), "rows of the other order");
        }
    }
}
