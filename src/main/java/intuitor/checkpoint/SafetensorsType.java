package intuitor.checkpoint;

import intuitor.device.DType;
import java.util.Optional;

/**
 * The element types a safetensors header may name. Their order is the format's: by growing alignment, which is also the
 * (reversed) order in which the reference implementation lays tensors out in a file. Only a few of them can be loaded.
 */
public enum SafetensorsType {
    BOOL(8),
    F4(4),
    F6_E2M3(6),
    F6_E3M2(6),
    U8(8),
    I8(8),
    F8_E5M2(8),
    F8_E4M3(8),
    F8_E8M0(8),
    F8_E4M3FNUZ(8),
    F8_E5M2FNUZ(8),
    I16(16),
    U16(16),
    F16(16, DType.F16),
    BF16(16, DType.BF16),
    I32(32, DType.I32),
    U32(32),
    F32(32, DType.F32),
    C64(64),
    F64(64, DType.F64),
    I64(64, DType.I64),
    U64(64);

    private final int bits;
    private final DType dtype;

    SafetensorsType(int bits) {
        this(bits, null);
    }

    SafetensorsType(int bits, DType dtype) {
        this.bits = bits;
        this.dtype = dtype;
    }

    /** Bits of one element; less than 8 for the packed types. */
    public int bits() {
        return bits;
    }

    /** The same type on a device, where there is one. */
    public Optional<DType> dtype() {
        return Optional.ofNullable(dtype);
    }

    static SafetensorsType of(DType dtype) {
        return valueOf(dtype.name());
    }

    static Optional<SafetensorsType> named(String name) {
        for (SafetensorsType type : values()) {
            if (type.name().equals(name)) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }
}
