package intuitor.bench;

import intuitor.device.DType;
import intuitor.device.Tensor;
import java.util.function.Function;

/** What no kernel beats: the device's own reads, copies and library products, measured in the same run. */
final class Ceilings {

    private static final int TILE = 64;

    private Ceilings() {
    }

    /** Reads this many bytes. */
    static Function<Inputs, Runnable> read(double bytes) {
        return in -> {
            Tensor x = in.gaussian(DType.F32, Math.round(bytes / DType.F32.bytes()));
            Tensor out = in.empty(DType.F32, 1);
            return () -> in.device().kernels().readCeiling(out, x);
        };
    }

    /** Copies half of this many bytes, which moves them all. */
    static Function<Inputs, Runnable> copy(double bytes) {
        return in -> {
            Tensor from = in.gaussian(DType.F32, Math.round(bytes / 2 / DType.F32.bytes()));
            Tensor to = in.empty(DType.F32, from.size());
            return () -> in.device().copy(to, from);
        };
    }

    /** A product of matrices that are as square as may be. */
    static Function<Inputs, Runnable> product(DType storage, double flops) {
        long size = Math.max(TILE, Math.round(Math.cbrt(flops / 2) / TILE) * TILE);
        long k = Math.max(1, Math.round(flops / 2 / size / size));
        return gemm(storage, storage, size, size, k);
    }

    /** c [m,n] = a [m,k] b [n,k]^T. */
    static Function<Inputs, Runnable> gemm(DType result, DType storage, long m, long n, long k) {
        return in -> {
            Tensor a = in.gaussian(storage, m, k);
            Tensor b = in.gaussian(storage, n, k);
            Tensor c = in.empty(result, m, n);
            return () -> in.device().blas().gemm(c, a, false, b, true, false);
        };
    }
}
