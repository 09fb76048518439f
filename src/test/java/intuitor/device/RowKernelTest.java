package intuitor.device;

import static intuitor.device.KernelRun.assertClose;
import static intuitor.device.KernelRun.assertStored;
import static intuitor.device.KernelRun.gaussian;
import static intuitor.device.KernelRun.indices;
import static intuitor.device.KernelRun.run;
import static intuitor.device.KernelRun.widen;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Embedding, gathering and scattering of rows. Columns: rows picked, rows of the table, width. */
class RowKernelTest {

    @ParameterizedTest
    @CsvSource({"1,1,1", "5,3,17", "64,512,128", "300,7,33", "1000,40,96", "3,2,4097"})
    void embeddingForward(int n, int v, int h) {
        float[] table = gaussian(1, v * h);
        int[] ids = indices(2, n, v);
        double[][] results = run(r -> {
            Tensor out = r.out(n, h);
            r.kernels().embeddingForward(out, r.in(table, v, h), r.in(ids));
            return new double[][] {r.get(out)};
        });
        assertClose(picked(widen(table), ids, h), results[0], 0, 0, "out");
    }

    @ParameterizedTest
    @CsvSource({"1,1,1", "5,3,17", "64,512,128", "300,7,33", "1000,40,96", "3,2,4097", "2000,1,64"})
    void embeddingBackward(int n, int v, int h) {
        float[] dtable = gaussian(1, v * h);
        float[] dout = gaussian(2, n * h);
        int[] ids = indices(3, n, v);
        double[][] results = run(r -> {
            Tensor sum = r.inOutF32(dtable, v, h);
            r.kernels().embeddingBackward(sum, r.in(dout, n, h), r.in(ids));
            return new double[][] {r.get(sum)};
        });
        assertClose(scattered(widen(dtable), widen(dout), ids, h), results[0], 1e-6, 3e-6 * Math.sqrt(n), "dtable");
    }

    @ParameterizedTest
    @CsvSource({"1,1,1", "5,3,17", "64,512,128", "300,7,33", "3,2,4097"})
    void gatherRows(int n, int t, int h) {
        float[] src = gaussian(1, t * h);
        int[] index = indices(2, n, t);
        double[][] results = run(r -> {
            Tensor dst = r.out(n, h);
            r.kernels().gatherRows(dst, r.in(src, t, h), r.in(index));
            return new double[][] {r.get(dst)};
        });
        assertClose(picked(widen(src), index, h), results[0], 0, 0, "dst");
    }

    @ParameterizedTest
    @CsvSource({"1,1,1", "5,3,17", "64,512,128", "300,7,33", "1000,2000,96", "3,2,4097"})
    void scatterAddRows(int n, int t, int h) {
        float[] dst = gaussian(1, t * h);
        float[] src = gaussian(2, n * h);
        int[] index = indices(3, n, t);
        double[][] results = run(r -> {
            Tensor sum = r.inOut(dst, t, h);
            r.kernels().scatterAddRows(sum, r.in(src, n, h), r.in(index));
            return new double[][] {r.get(sum)};
        });
        assertStored(scattered(widen(dst), widen(src), index, h), results[0], 1e-6, 3e-6 * Math.sqrt(n), "dst");
    }

    private static double[] picked(double[] table, int[] index, int width) {
        double[] out = new double[index.length * width];
        for (int i = 0; i < index.length; i++) {
            System.arraycopy(table, index[i] * width, out, i * width, width);
        }
        return out;
    }

    private static double[] scattered(double[] table, double[] rows, int[] index, int width) {
        double[] out = table.clone();
        for (int i = 0; i < rows.length; i++) {
            out[index[i / width] * width + i % width] += rows[i];
        }
        return out;
    }
}
