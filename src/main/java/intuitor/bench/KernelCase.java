package intuitor.bench;

import intuitor.device.DType;
import java.util.function.Function;

/**
 * One kernel at one shape, and what it is held against.
 *
 * @param kernel  its name in the ABI, or of what several calls do together
 * @param shape   for people, such as {@code [4096, 151936]}
 * @param storage type of weights and activations
 * @param bytes   read and written by one call at least, each tensor once
 * @param flops   done by one call at least, 2 for a multiplication with its addition; 0 if memory bounds the kernel
 * @param setUp   makes the inputs, and returns a call; made several times where inputs must not stay in a cache
 * @param ceiling the same for what the kernel cannot beat, which moves as many bytes or does as many operations
 */
record KernelCase(String kernel, String shape, DType storage, double bytes, double flops,
        Function<Inputs, Runnable> setUp, Function<Inputs, Runnable> ceiling) {

    /** A kernel that reads much and writes little, against the fastest read of as many bytes. */
    static KernelCase reading(String kernel, String shape, DType storage, double bytes,
            Function<Inputs, Runnable> setUp) {
        return new KernelCase(kernel, shape, storage, bytes, 0, setUp, Ceilings.read(bytes));
    }

    /** A kernel that reads and writes, against a copy that moves as many bytes. */
    static KernelCase moving(String kernel, String shape, DType storage, double bytes,
            Function<Inputs, Runnable> setUp) {
        return new KernelCase(kernel, shape, storage, bytes, 0, setUp, Ceilings.copy(bytes));
    }

    /** A kernel bound by arithmetic, against the library's product of square matrices with as many operations. */
    static KernelCase computing(String kernel, String shape, DType storage, double bytes, double flops,
            Function<Inputs, Runnable> setUp) {
        return new KernelCase(kernel, shape, storage, bytes, flops, setUp, Ceilings.product(storage, flops));
    }

    /** Whether operations bound it, not bytes. */
    boolean arithmetic() {
        return flops > 0;
    }
}
