package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

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
    @CsvSource({"1,1,1", "1,64,32", "7,5,3", "16,17,33", "128,96,64", "65,1,130", "1,1,257", "200,8,1"})
    void multipliesWithEveryTransposition(int m, int n, int k) {
        Random random = new Random(m * 31 + n * 7 + k);
        for (boolean transA : new boolean[] {false, true}) {
            for (boolean transB : new boolean[] {false, true}) {
                for (boolean accumulate : new boolean[] {false, true}) {
                    float[] a = gaussian(random, m * k);
                    float[] b = gaussian(random, k * n);
                    float[] c = gaussian(random, m * n);
                    double[] expected = oracle(m, n, k, a, transA, b, transB, c, accumulate);
                    float[] first = gemm(m, n, k, a, transA, b, transB, c, accumulate);
                    float[] second = gemm(m, n, k, a, transA, b, transB, c, accumulate);
                    assertArrayEquals(first, second, 0f, "the same bits twice");
                    for (int i = 0; i < expected.length; i++) {
                        assertEquals(expected[i], first[i], 1e-5 * Math.sqrt(k) * 4, "element " + i);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"64,32", "250,128", "1000,96", "17,3", "1,1", "512,260"})
    void packedWeightsGiveTheSameProduct(int n, int k) {
        Random random = new Random(n * 31 + k);
        for (boolean transB : new boolean[] {false, true}) {
            float[] b = gaussian(random, k * n);
            try (Arena weights = device.arena("weights")) {
                PackedMatrix packed = device.blas().pack(weights,
                        weights.upload("b", b, transB ? n : k, transB ? k : n), transB);
                assertEquals(k, packed.rows());
                assertEquals(n, packed.columns());
                for (int m : new int[] {1, 3, 8, 17, 128, 300}) {
                    float[] a = gaussian(random, m * k);
                    double[] expected = oracle(m, n, k, a, false, b, transB, new float[m * n], false);
                    try (Arena arena = device.arena("test")) {
                        Tensor c = arena.allocate("c", DType.F32, m, n);
                        float[] result = new float[m * n];
                        for (int run = 0; run < 2; run++) {
                            device.blas().gemm(c, arena.upload("a", a, m, k), packed);
                            device.download(result, c);
                        }
                        for (int i = 0; i < expected.length; i++) {
                            assertEquals(expected[i], result[i], 1e-5 * Math.sqrt(k) * 4, m + " rows, element " + i);
                        }
                    }
                }
            }
        }
    }

    @Test
    void fewNumbersOfRowsArePadded() {
        Blas blas = device.blas();
        long[] from = {0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 64, 65, 128, 129, 256, 257};
        long[] to = {0, 1, 2, 4, 4, 8, 8, 16, 16, 24, 64, 72, 128, 144, 256, 288};
        for (int i = 0; i < from.length; i++) {
            assertEquals(to[i], blas.paddedRows(from[i]), "of " + from[i]);
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

    private static float[] gemm(int m, int n, int k, float[] a, boolean transA, float[] b, boolean transB, float[] c,
            boolean accumulate) {
        try (Arena arena = device.arena("test")) {
            Tensor at = arena.upload("a", a, transA ? k : m, transA ? m : k);
            Tensor bt = arena.upload("b", b, transB ? n : k, transB ? k : n);
            Tensor ct = accumulate ? arena.upload("c", c, m, n) : arena.allocate("c", DType.F32, m, n);
            device.blas().gemm(ct, at, transA, bt, transB, accumulate);
            float[] result = new float[m * n];
            device.download(result, ct);
            return result;
        }
    }

    private static double[] oracle(int m, int n, int k, float[] a, boolean transA, float[] b, boolean transB,
            float[] c, boolean accumulate) {
        double[] result = new double[m * n];
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                double sum = accumulate ? c[i * n + j] : 0;
                for (int l = 0; l < k; l++) {
                    sum += (double) a[transA ? l * m + i : i * k + l] * b[transB ? j * k + l : l * n + j];
                }
                result[i * n + j] = sum;
            }
        }
        return result;
    }

    private static float[] gaussian(Random random, int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
