package intuitor.rollout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.model.Architecture;
import intuitor.model.ModelConfig;
import intuitor.model.ModelMemory;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class CacheBudgetTest {

    private static final ModelConfig MODEL = new ModelConfig(Architecture.QWEN2, 8192, 128, 384, 2, 4, 2, 32, 1e-6, 1e4,
            Optional.empty(), 512, true, "float32", List.of(0), OptionalInt.empty(), OptionalInt.empty());

    @Test
    void onACpuItIsModest() {
        try (Device device = Device.open("cpu", 1)) {
            assertEquals(2L << 30, CacheBudget.inference(device, MODEL, DType.F32, CacheBudget.SHARE));
        }
    }

    @Test
    void onAGpuItIsWhatTheModelLeaves() {
        try (Device device = Device.open("emu", 1)) {
            long memory = device.memoryBytes();
            long left = CacheBudget.inference(device, MODEL, DType.BF16, CacheBudget.SHARE);
            assertTrue(left > 2L << 30 && left < 0.85 * memory - new ModelMemory(MODEL, DType.BF16, true).weights(),
                    left + " of " + memory);
            long half = CacheBudget.inference(device, MODEL, DType.BF16, CacheBudget.SHARE / 2);
            assertEquals(0.425 * memory, left - half, 2, "of two on the device");
        }
    }
}
