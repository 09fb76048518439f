package intuitor.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Tensor;
import intuitor.device.TestDevices;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingStateTest {

    private static final TrainingState STATE = new TrainingState(7, 60, 12_345_678_901L, 0.1 + 0.2, 4096, 7L);

    @TempDir
    Path folder;

    @Test
    void readsBackAsItWas() {
        try (Device device = TestDevices.open(1); Arena arena = device.arena("test")) {
            Tensor moments = arena.upload("moments", new float[] {1e-30f, -2, 3});
            STATE.write(folder, List.of(SafetensorsWriter.Entry.of("exp_avg.w", moments, DType.F32, device)));
            Tensor loaded = arena.zeros("loaded", DType.F32, 3);
            TrainingState.loadTensors(folder, Map.of("exp_avg.w", loaded), device);
            float[] values = new float[3];
            device.download(values, loaded);
            assertArrayEquals(new float[] {1e-30f, -2, 3}, values);
            assertEquals(STATE, TrainingState.read(folder));
        }
    }

    @Test
    void aDamagedStateIsRefused() throws IOException {
        for (String json : List.of("", "{\"step\": 7", "{}", "[]", "{\"step\":\"x\"}")) {
            Files.writeString(folder.resolve("trainer_state.json"), json);
            String message = assertThrows(UserError.class, () -> TrainingState.read(folder), json).getMessage();
            assertTrue(message.startsWith(folder + " is not a checkpoint to resume from"), message);
        }
        Files.delete(folder.resolve("trainer_state.json"));
        assertThrows(UserError.class, () -> TrainingState.read(folder));
    }
}
