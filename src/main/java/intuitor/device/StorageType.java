package intuitor.device;

import intuitor.UserError;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * The storage type of weights and activations as settings name it, which is as transformers does. Sums are formed in
 * fp32 whatever it is.
 */
public enum StorageType {
    /** bfloat16 on a GPU, float32 on the CPU. */
    AUTO,
    FLOAT32,
    BFLOAT16;

    /** The type of this name; a {@link UserError} that begins with {@code where} if there is none. */
    public static StorageType named(String name, String where) {
        return Arrays.stream(values()).filter(type -> type.toString().equals(name)).findFirst()
                .orElseThrow(() -> new UserError(where + ": expected " + Arrays.stream(values())
                        .map(StorageType::toString).collect(Collectors.joining(", ")) + ", found '" + name + "'"));
    }

    /** What tensors are stored as on this device; a {@link UserError} if its kernels do not take that. */
    public DType on(Device device) {
        boolean gpu = device.info().isGpu();
        if (!gpu && this == BFLOAT16) {
            throw new UserError("dtype: bfloat16 needs a GPU here; on the CPU leave dtype out, or give float32");
        }
        return gpu ? onGpu() : DType.F32;
    }

    /**
     * What is held for generation.
     *
     * @param activations the type of these, of the embedding, of norms and biases
     * @param matrices    the type of the layers' matrices and of the head
     */
    public record Held(DType activations, DType matrices) { }

    /**
     * What generation holds on this device. A CPU that multiplies bf16 can have its matrices in it, and nothing else.
     *
     * @param setting that asks for it, for the message
     * @throws UserError if the device does not take it
     */
    public Held forGeneration(Device device, String setting) {
        if (device.info().isGpu() || this != BFLOAT16) {
            return new Held(on(device), on(device));
        }
        if (!device.blas().packsInBf16()) {
            throw new UserError(setting + ": this CPU does not multiply bfloat16 (no AVX512_BF16); leave it out, or "
                    + "give float32");
        }
        return new Held(DType.F32, DType.BF16);
    }

    /** What tensors are stored as on a GPU. */
    public DType onGpu() {
        return this == FLOAT32 ? DType.F32 : DType.BF16;
    }

    /** The setting that stands for this type on every device that has it. */
    public static StorageType of(DType type) {
        return switch (type) {
            case F32 -> FLOAT32;
            case BF16 -> BFLOAT16;
            default -> throw new IllegalArgumentException("weights and activations are not stored as " + type);
        };
    }

    /** Its name in settings, such as {@code bfloat16}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
