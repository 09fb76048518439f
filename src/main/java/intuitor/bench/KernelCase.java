package intuitor.bench;

import intuitor.device.DType;
import java.util.Arrays;
import java.util.function.DoubleSupplier;
import java.util.function.Function;

/**
 * One kernel at one shape, and what it is held against.
 *
 * @param kernel     its name in the ABI, or of what several calls do together
 * @param shape      for people, such as {@code [4096, 151936]}
 * @param storage    type of weights and activations
 * @param bytes      read and written by one call at least, each tensor once
 * @param flops      done by one call, as its formula is written: a multiplication with its addition is 2, an
 *                   exponential 1
 * @param arithmetic whether operations bound it, not bytes
 * @param setUp      makes the inputs; called several times where inputs must not stay in a cache
 * @param ceiling    the same for what the kernel cannot beat, which moves as many bytes or does as many operations
 */
record KernelCase(String kernel, String shape, DType storage, double bytes, double flops, boolean arithmetic,
        Function<Inputs, Trial> setUp, Function<Inputs, Runnable> ceiling) {

    /**
     * A kernel with inputs of its own.
     *
     * @param run   one call
     * @param error makes one call, before any other, and compares it with the same in double precision ({@link Errors})
     */
    record Trial(Runnable run, DoubleSupplier error) {

        /** @param left the error of what one call has left */
        static Trial of(Runnable run, DoubleSupplier left) {
            return new Trial(run, () -> {
                run.run();
                return left.getAsDouble();
            });
        }
    }

    /** A kernel that reads much and writes little, against the fastest read of as many bytes. */
    static KernelCase reading(String kernel, String shape, DType storage, double bytes, double flops,
            Function<Inputs, Trial> setUp) {
        return new KernelCase(kernel, shape, storage, bytes, flops, false, setUp, Ceilings.read(bytes));
    }

    /** A kernel that reads and writes, against a copy that moves as many bytes. */
    static KernelCase moving(String kernel, String shape, DType storage, double bytes, double flops,
            Function<Inputs, Trial> setUp) {
        return new KernelCase(kernel, shape, storage, bytes, flops, false, setUp, Ceilings.copy(bytes));
    }

    /** A kernel bound by arithmetic, against the library's product of square matrices with as many operations. */
    static KernelCase computing(String kernel, String shape, DType storage, double bytes, double flops,
            Function<Inputs, Trial> setUp) {
        return new KernelCase(kernel, shape, storage, bytes, flops, true, setUp, Ceilings.product(storage, flops));
    }

    /** A kernel around a product of matrices c [m,n] = a [m,k] b [n,k]^T, against the library's of the same. */
    static KernelCase multiplying(String kernel, DType storage, double bytes, long m, long n, long k,
            Function<Inputs, Trial> setUp, DType result) {
        return new KernelCase(kernel, shape(m, k, n), storage, bytes, 2.0 * m * n * k, true, setUp,
                Ceilings.gemm(result, storage, m, n, k));
    }

    /** As {@code [4096, 151936]}. */
    static String shape(long... sizes) {
        return Arrays.toString(sizes);
    }
}
