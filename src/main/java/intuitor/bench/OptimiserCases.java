package intuitor.bench;

import static intuitor.device.DType.F32;

import intuitor.bench.KernelCase.Trial;
import intuitor.device.DType;
import intuitor.device.Tensor;
import java.util.Arrays;
import java.util.List;

/** What is done with parameters and gradients, on as many as one MLP matrix has. */
final class OptimiserCases {

    /** Operations on a parameter: two moments, a root, a quotient, decay. */
    private static final double ADAMW = 14;
    private static final float LEARNING_RATE = 1e-2f;
    private static final float BETA1 = 0.9f;
    private static final float BETA2 = 0.999f;
    private static final float EPSILON = 1e-8f;
    private static final float WEIGHT_DECAY = 0.01f;
    /** Parameters whose error is looked at. */
    private static final int SOME = 4096;

    private OptimiserCases() { }

    static List<KernelCase> of(BenchShape s, DType storage) {
        long n = (long) s.hidden() * s.feedForward();
        return List.of(adamw(n), sumSquares(n), cast(n, storage));
    }

    private static KernelCase adamw(long n) {
        return KernelCase.moving("adamw", KernelCase.shape(n), F32, 7.0 * n * F32.bytes(), ADAMW * n, in -> {
            Tensor p = in.gaussian(F32, n);
            Tensor g = in.gaussian(F32, n);
            Tensor m = in.zeros(F32, n);
            Tensor v = in.zeros(F32, n);
            Runnable run = () -> in.device().kernels().adamw(p, g, m, v, LEARNING_RATE, BETA1, BETA2, EPSILON,
                    WEIGHT_DECAY, 1, 1);
            return new Trial(run, () -> {
                double[] before = some(in, p);
                double[] gradient = some(in, g);
                run.run();
                double[] expected = new double[before.length];
                for (int i = 0; i < expected.length; i++) { // the first step: both moments are the gradient's own
                    expected[i] = before[i] - LEARNING_RATE * (gradient[i] / (Math.abs(gradient[i]) + EPSILON)
                            + WEIGHT_DECAY * before[i]);
                }
                return Errors.of(some(in, p), expected);
            });
        });
    }

    private static KernelCase sumSquares(long n) {
        return KernelCase.reading("sum_squares", KernelCase.shape(n), F32, (double) n * F32.bytes(), 2.0 * n, in -> {
            Tensor x = in.gaussian(F32, n);
            Tensor out = in.empty(DType.F64, 1);
            Runnable run = () -> in.device().kernels().sumSquares(out, x);
            return Trial.of(run, () -> {
                double[] sum = new double[1];
                in.device().download(sum, out);
                return Errors.of(sum[0], Arrays.stream(in.values(x)).map(value -> value * value).sum());
            });
        });
    }

    private static KernelCase cast(long n, DType storage) {
        return KernelCase.moving("cast", KernelCase.shape(n), storage, (double) n * (F32.bytes() + storage.bytes()), 0,
                in -> {
                    Tensor x = in.gaussian(F32, n);
                    Tensor out = in.empty(storage, n);
                    Runnable run = () -> in.device().cast(out, x);
                    return Trial.of(run, () -> Errors.of(some(in, out), some(in, x)));
                });
    }

    private static double[] some(Inputs in, Tensor t) {
        return in.values(t.slice(0, Math.min(SOME, t.size())));
    }
}
