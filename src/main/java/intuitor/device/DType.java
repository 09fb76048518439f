package intuitor.device;

import intuitor.device.abi.Intuitor;

/** Storage type of a tensor's elements; {@link #code()} is the ABI's {@code it_dtype}. */
public enum DType {
    F32(4, Intuitor.IT_F32()),
    BF16(2, Intuitor.IT_BF16()),
    F16(2, Intuitor.IT_F16()),
    I32(4, Intuitor.IT_I32()),
    F64(8, Intuitor.IT_F64()),
    I64(8, Intuitor.IT_I64());

    private final int bytes;
    private final int code;

    DType(int bytes, int code) {
        this.bytes = bytes;
        this.code = code;
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }

    /** The ABI's number of this type. */
    public int code() {
        return code;
    }
}
