package intuitor.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class TrainingWeightsTest {

    private static final ModelConfig CONFIG = TestModel.config(TestModel.QWEN2.json());

    @Test
    void inFp32TheModelComputesWithTheMasterItself() {
        try (Device device = Device.open("cpu", 1)) {
            TrainingWeights weights = new TrainingWeights(device.arena("test"), CONFIG, DType.F32, "weights");
            assertSame(weights.master(), weights.working());
        }
    }

    /** An update too small for bf16 is kept by the master, and shows once several of them add up. */
    @Test
    void smallUpdatesAddUp() {
        try (Device device = Device.open("cpu", 1)) {
            TrainingWeights weights = new TrainingWeights(device.arena("test"), CONFIG, DType.BF16, "weights");
            weights.initialize(1, 0.02);
            assertArrayEquals(rounded(values(device, weights.master())), values(device, weights.working()));
            Tensor gain = weights.master().finalNorm();
            float[] seen = new float[6];
            for (int i = 0; i < seen.length; i++) {
                float[] moved = new float[(int) gain.size()];
                Arrays.fill(moved, 1 + (i + 1) / 1024f);
                device.upload(gain, moved);
                weights.update();
                seen[i] = values(device, weights.working().finalNorm())[0];
            }
            assertArrayEquals(new float[] {1, 1, 1, 1, 1.0078125f, 1.0078125f}, seen);
            assertEquals(1 + 6 / 1024f, values(device, gain)[0]);
        }
    }

    /** To nearest even. */
    private static float[] rounded(float[] values) {
        float[] result = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            int bits = Float.floatToRawIntBits(values[i]);
            result[i] = Float.intBitsToFloat(bits + 0x7fff + (bits >>> 16 & 1) & 0xffff0000);
        }
        return result;
    }

    private static float[] values(Device device, ParameterSet set) {
        return values(device, set.flat());
    }

    private static float[] values(Device device, Tensor tensor) {
        try (Arena scratch = device.arena("values")) {
            Tensor wide = scratch.allocate("wide", DType.F32, tensor.size());
            device.cast(wide, tensor);
            float[] values = new float[(int) tensor.size()];
            device.download(values, wide);
            return values;
        }
    }
}
