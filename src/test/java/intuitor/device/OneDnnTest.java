package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OneDnnTest {

    private static Device device;

    @BeforeAll
    static void open() {
        device = Device.open("cpu", 2);
    }

    @AfterAll
    static void close() {
        device.close();
    }

    @ParameterizedTest
    @CsvSource({"1,1,1", "1,64,32", "7,5,3", "16,17,33", "128,96,64", "65,1,130", "1,1,257", "200,8,1", "3,4,0"})
    void multipliesWithEveryTransposition(int m, int n, int k) {
        GemmOracle.check(device.blas(), device, m, n, k, DType.F32, DType.F32, 0);
        GemmOracle.check(device.blas(), device, m, n, k, DType.BF16, DType.F32, 0);
        GemmOracle.check(device.blas(), device, m, n, k, DType.BF16, DType.BF16, 0);
        GemmOracle.check(device.blas(), device, m, n, k, DType.BF16, DType.BF16, 3);
    }

    @ParameterizedTest
    @CsvSource({"64,32", "250,128", "1000,96", "17,3", "1,1", "512,260"})
    void packedWeightsGiveTheSameProduct(int n, int k) {
        assertPackedGivesTheProduct(n, k, DType.F32);
    }

    /** The operands are numbers that bf16 has: nothing but sums in fp32 is left to differ. */
    @ParameterizedTest
    @CsvSource({"64,32", "250,128", "1000,96", "17,3", "1,1", "512,260"})
    void weightsPackedInBf16GiveTheSameProduct(int n, int k) {
        requireBf16();
        assertPackedGivesTheProduct(n, k, DType.BF16);
    }

    private static void requireBf16() {
        if (!device.blas().packsInBf16()) {
            throw TestDevices.skip("products in bf16", "this processor does not multiply bf16 (no AVX512_BF16)");
        }
    }

    /** Weights and inputs that bf16 does not have are rounded to it, to nearest even, and nothing more is lost. */
    @Test
    void operandsAreRoundedToBf16() {
        requireBf16();
        float[] a = GemmOracle.gaussian(new Random(1), 20 * 300, DType.F32);
        float[] b = GemmOracle.gaussian(new Random(2), 300 * 70, DType.F32);
        try (Arena arena = device.arena("test")) {
            float[] result = new float[20 * 70];
            PackedMatrix packed = device.blas().pack(arena, arena.upload("b", b, 70, 300), true, DType.BF16);
            Tensor c = arena.allocate("c", DType.F32, 20, 70);
            device.blas().gemm(c, arena.upload("a", a, 20, 300), packed);
            device.download(result, c);
            float[] roundedA = GemmOracle.get(GemmOracle.put(arena, DType.BF16, a, 0, 20, 300));
            float[] roundedB = GemmOracle.get(GemmOracle.put(arena, DType.BF16, b, 0, 70, 300));
            GemmOracle.assertClose(GemmOracle.product(20, 70, 300, roundedA, false, roundedB, true, null), result, 300,
                    DType.F32, "rounded");
        }
    }

    private static void assertPackedGivesTheProduct(int n, int k, DType operands) {
        Random random = new Random(n * 31 + k);
        for (boolean transB : new boolean[] {false, true}) {
            float[] b = GemmOracle.gaussian(random, k * n, operands);
            try (Arena weights = device.arena("weights")) {
                PackedMatrix packed = device.blas().pack(weights,
                        weights.upload("b", b, transB ? n : k, transB ? k : n), transB, operands);
                assertEquals(k, packed.rows());
                assertEquals(n, packed.columns());
                for (int m : new int[] {1, 3, 8, 17, 128, 300}) {
                    float[] a = GemmOracle.gaussian(random, m * k, operands);
                    double[] expected = GemmOracle.product(m, n, k, a, false, b, transB, null);
                    try (Arena arena = device.arena("test")) {
                        Tensor c = arena.allocate("c", DType.F32, m, n);
                        float[] result = new float[m * n];
                        for (int run = 0; run < 2; run++) {
                            device.blas().gemm(c, arena.upload("a", a, m, k), packed);
                            device.download(result, c);
                        }
                        GemmOracle.assertClose(expected, result, k, DType.F32, m + " rows");
                    }
                }
            }
        }
    }

    /** A row alone, at the beginning, the end or in the middle of any number of rows, on any number of threads. */
    @ParameterizedTest
    @CsvSource({"64,128", "250,48", "97,32", "512,128", "512,512", "768,896", "512,1536", "128,4864", "1000,2050"})
    void theBitsOfARowDependOnNothingElse(int n, int k) {
        if (!device.blas().isRowInvariant()) {
            throw TestDevices.skip("rows of products", "on this processor oneDNN multiplies by weights as they are, "
                    + "and its order depends on the number of rows");
        }
        assertRowsStandAlone(n, k, DType.F32);
    }

    /** Then a completion is the same whatever it is drawn beside. */
    @ParameterizedTest
    @CsvSource({"64,128", "250,48", "97,32", "512,128", "512,512", "768,896", "512,1536", "128,4864", "1000,2050"})
    void theBitsOfARowDependOnNothingElseInBf16(int n, int k) {
        requireBf16();
        assertRowsStandAlone(n, k, DType.BF16);
    }

    private static void assertRowsStandAlone(int n, int k, DType operands) {
        float[] b = GemmOracle.gaussian(new Random(n), n * k, DType.F32);
        float[] a = GemmOracle.gaussian(new Random(k), 700 * k, DType.F32);
        float[] expected = null;
        for (int threads : new int[] {1, 2, 5, 16}) {
            try (Device other = Device.open("cpu", threads); Arena arena = other.arena("test")) {
                PackedMatrix packed = other.blas().pack(arena, arena.upload("b", b, n, k), true, operands);
                Tensor rows = arena.upload("a", a, 700, k);
                for (int m : new int[] {1, 2, 3, 7, 8, 32, 40, 128, 250, 256, 257, 600}) {
                    for (int first : new int[] {0, 50, 100 - m / 2, 101 - m}) {
                        if (first < 0 || first > 100 || first + m <= 100) {
                            continue; // row 100 is the one that is looked at
                        }
                        Tensor c = arena.allocate("c", DType.F32, m, n);
                        other.blas().gemm(c, rows.rows(first, m), packed);
                        float[] row = new float[n];
                        other.download(row, c.rows(100 - first, 1));
                        expected = expected == null ? row : expected;
                        assertArrayEquals(expected, row, m + " rows from " + first + " on, " + threads + " threads");
                    }
                }
            }
        }
    }

    /** Of "512,128" above, for one, some numbers of rows are multiplied by one thread and some by all. */
    @Test
    void smallProductsAreLeftToOneThread() {
        assertTrue(OneDnn.isSmall(1, 128, 1024, DType.F32), "the widest of a layer of size tiny, one sequence");
        assertFalse(OneDnn.isSmall(32, 128, 1024, DType.F32), "the same, 32 sequences");
        assertFalse(OneDnn.isSmall(1, 512, 512, DType.F32), "the narrowest of a layer of size small, one sequence");
        assertTrue(OneDnn.isSmall(8, 128, 512, DType.F32));
        assertFalse(OneDnn.isSmall(32, 128, 512, DType.F32));
        assertTrue(OneDnn.isSmall(32, 128, 512, DType.BF16), "half the bytes");
        assertFalse(OneDnn.isSmall(512, 1 << 20, 1 << 20, DType.F32));
    }

    @Test
    void fewNumbersOfRowsArePadded() {
        Blas blas = device.blas();
        long[] from = {0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 64, 65, 128, 129, 256, 257};
        long one = blas.isRowInvariant() ? 2 : 1; // which is multiplied as the first of two
        long[] to = {0, one, 2, 4, 4, 8, 8, 16, 16, 24, 64, 72, 128, 144, 256, 288};
        for (int i = 0; i < from.length; i++) {
            assertEquals(to[i], blas.paddedRows(from[i]), "of " + from[i]);
        }
        assertEquals(1, OneDnn.flooredRows(1));
        for (long rows = 2; rows < 3000; rows++) {
            long floored = OneDnn.flooredRows(rows);
            assertEquals(floored, blas.paddedRows(floored));
            assertTrue(floored <= rows && blas.paddedRows(floored + 1) > rows, "the largest of the list up to " + rows);
        }
    }

    @Test
    void nothingToDo() {
        try (Arena arena = device.arena("test")) {
            Tensor c = arena.allocate("c", DType.F32, 0, 4);
            device.blas().gemm(c, arena.allocate("a", DType.F32, 0, 3), false, arena.zeros("b", DType.F32, 3, 4),
                    false, false);
        }
    }

    @Test
    void shapesThatDoNotFit() {
        try (Arena arena = device.arena("test")) {
            Tensor c = arena.zeros("c", DType.F32, 2, 4);
            Tensor a = arena.zeros("a", DType.F32, 2, 3);
            Tensor b = arena.zeros("b", DType.F32, 4, 3);
            var e = assertThrows(IllegalArgumentException.class,
                    () -> device.blas().gemm(c, a, false, b, false, false));
            assertEquals("gemm: b must be F32[3, 4], not b F32[4, 3]", e.getMessage());
        }
    }

    @Test
    void typesThatDoNotFit() {
        try (Arena arena = device.arena("test")) {
            Tensor wide = arena.zeros("wide", DType.F32, 3, 3);
            Tensor narrow = arena.zeros("narrow", DType.BF16, 3, 3);
            Tensor half = arena.zeros("half", DType.F16, 3, 3);
            Tensor c = arena.zeros("c", DType.F32, 3, 3);
            Tensor narrowC = arena.zeros("c", DType.BF16, 3, 3);
            for (Tensor[] t : new Tensor[][] {{c, wide, narrow}, {c, narrow, wide}, {c, half, half},
                    {narrowC, wide, wide}}) {
                assertThrows(IllegalArgumentException.class,
                        () -> device.blas().gemm(t[0], t[1], false, t[2], false, false));
            }
        }
    }

    @Test
    void packedMatrixInBf16() {
        float[] a = GemmOracle.gaussian(new Random(1), 5 * 7, DType.BF16);
        float[] b = GemmOracle.gaussian(new Random(2), 7 * 9, DType.BF16);
        try (Arena arena = device.arena("test")) {
            PackedMatrix packed = device.blas().pack(arena, GemmOracle.put(arena, DType.BF16, b, 0, 9, 7), true);
            Tensor c = arena.allocate("c", DType.F32, 5, 9);
            device.blas().gemm(c, GemmOracle.put(arena, DType.BF16, a, 0, 5, 7), packed);
            GemmOracle.assertClose(GemmOracle.product(5, 9, 7, a, false, b, true, null), GemmOracle.get(c), 7,
                    DType.F32, "packed");
        }
    }
}
