package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import intuitor.UserError;
import org.junit.jupiter.api.Test;

class StorageTypeTest {

    @Test
    void theCpuComputesInFloat32() {
        try (Device device = Device.open("cpu", 1)) {
            assertEquals(DType.F32, StorageType.AUTO.on(device));
            assertEquals(DType.F32, StorageType.FLOAT32.on(device));
            assertEquals("dtype: bfloat16 needs a GPU here; on the CPU leave dtype out, or give float32",
                    assertThrows(UserError.class, () -> StorageType.BFLOAT16.on(device)).getMessage());
        }
    }

    @Test
    void namesAreThoseOfTransformers() {
        for (StorageType type : StorageType.values()) {
            assertEquals(type, StorageType.named(type.toString(), "--dtype"));
        }
        assertEquals("bfloat16", StorageType.of(DType.BF16).toString());
        assertEquals("--dtype: expected auto, float32, bfloat16, found 'half'",
                assertThrows(UserError.class, () -> StorageType.named("half", "--dtype")).getMessage());
        assertThrows(IllegalArgumentException.class, () -> StorageType.of(DType.I32));
    }
}
