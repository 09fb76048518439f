package intuitor.device;

import java.util.Arrays;
import java.util.Random;

/** Hidden states [n,h], a head's matrix [v,h], both exact in bf16, and targets, for the fused LM head. */
record HeadCase(int n, int h, int v, float[] hidden, float[] weight, int[] targets) {

    /** @param scale of the weights, a power of two or 0 */
    static HeadCase of(int n, int h, int v, float scale) {
        Random random = new Random(n * 31L + v);
        float[] weight = GemmOracle.gaussian(random, v * h, DType.BF16);
        for (int i = 0; i < weight.length; i++) {
            weight[i] *= scale;
        }
        return new HeadCase(n, h, v, GemmOracle.gaussian(random, n * h, DType.BF16), weight,
                random.ints(n, 0, v).toArray());
    }

    /** A device that has the fused head; where there is none, the test is skipped and the reason printed. */
    static Device open() {
        Device device = TestDevices.openForCuda(1);
        try {
            TestDevices.requireHopper(device, "the fused LM head");
            return device;
        } catch (RuntimeException e) {
            device.close();
            throw e;
        }
    }

    /** One row alone. */
    HeadCase row(int row) {
        return new HeadCase(1, h, v, Arrays.copyOfRange(hidden, row * h, (row + 1) * h), weight,
                new int[] {targets[row]});
    }

    /** The first row many times. */
    HeadCase repeated(int times) {
        float[] rows = new float[times * h];
        for (int i = 0; i < times; i++) {
            System.arraycopy(hidden, 0, rows, i * h, h);
        }
        return new HeadCase(times, h, v, rows, weight, new int[times]);
    }

    Tensor hidden(Arena arena) {
        return GemmOracle.put(arena, DType.BF16, hidden, 0, n, h);
    }

    Tensor weight(Arena arena) {
        return GemmOracle.put(arena, DType.BF16, weight, 0, v, h);
    }

    /** Of a row, in fp64. */
    double[] logits(int row) {
        double[] z = new double[v];
        for (int j = 0; j < v; j++) {
            for (int k = 0; k < h; k++) {
                z[j] += (double) hidden[row * h + k] * weight[j * h + k];
            }
        }
        return z;
    }
}
