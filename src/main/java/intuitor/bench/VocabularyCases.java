package intuitor.bench;

import static intuitor.device.DType.F32;
import static intuitor.device.DType.I32;

import intuitor.bench.KernelCase.Trial;
import intuitor.device.DType;
import intuitor.device.Sampling;
import intuitor.device.Tensor;
import intuitor.device.VocabStats;
import java.util.ArrayList;
import java.util.List;

/** What is done with logits. */
final class VocabularyCases {

    /** Operations on a logit: difference, exponential, product, three sums. */
    static final double REDUCING = 6;
    private static final double SCALING = 3; // difference, exponential, product
    private static final double DRAWING = 10; // a reduction, two logarithms, a sum, a comparison

    private VocabularyCases() { }

    static List<KernelCase> of(BenchShape s, DType storage) {
        List<KernelCase> cases = new ArrayList<>();
        for (DType type : storage == F32 ? List.of(F32) : List.of(storage, F32)) {
            cases.add(reduction(s.scored(), s.vocab(), type));
            cases.add(gradient(s.scored(), s.vocab(), type));
        }
        cases.add(sampling("sample", s.batch(), s.vocab(), Draws.unfiltered(s.vocab())));
        cases.add(sampling("sample, top-k 50, top-p 0.95", s.batch(), s.vocab(),
                new Sampling(1, 50, 0.95, 0, s.vocab(), 7)));
        return cases;
    }

    static VocabStats stats(Inputs in, int n) {
        return new VocabStats(in.empty(F32, n), in.empty(F32, n), in.empty(F32, n), in.empty(F32, n), in.empty(I32, n));
    }

    private static KernelCase reduction(int n, int v, DType type) {
        return KernelCase.reading("vocab_reduce", KernelCase.shape(n, v), type, (double) n * v * type.bytes(),
                REDUCING * n * v, in -> {
                    Tensor logits = in.gaussian(type, n, v);
                    Tensor targets = in.indices(n, v);
                    VocabStats out = stats(in, n);
                    Runnable run = () -> in.device().kernels().vocabReduce(out, logits, targets, 1, 1);
                    return Trial.of(run, () -> new VocabularyErrors(in).reduction(out, logits, targets));
                });
    }

    private static KernelCase gradient(int n, int v, DType type) {
        return KernelCase.moving("logprob_backward", KernelCase.shape(n, v), type, 2.0 * n * v * type.bytes(),
                SCALING * n * v, in -> {
                    Tensor logits = in.gaussian(type, n, v);
                    Tensor targets = in.indices(n, v);
                    Tensor lse = in.gaussian(F32, n);
                    Tensor coefficient = in.gaussian(F32, n);
                    Runnable run = () -> in.device().kernels().logprobBackward(logits, lse, targets, coefficient, 1);
                    return new Trial(run, () -> {
                        int row = n / 2;
                        double[] before = in.values(logits.rows(row, 1));
                        run.run();
                        return VocabularyErrors.gradient(before, in.values(logits.rows(row, 1)),
                                in.integers(targets)[row], in.values(lse)[row], in.values(coefficient)[row]);
                    });
                });
    }

    /** Its error is that of what is said about the drawn token. */
    private static KernelCase sampling(String name, int b, int v, Sampling how) {
        double size = (double) b * v;
        return KernelCase.reading(name, KernelCase.shape(b, v), F32, size * F32.bytes(), DRAWING * size, in -> {
            Tensor logits = in.gaussian(F32, b, v);
            Draws draws = new Draws(in, b, how);
            return Trial.of(() -> draws.from(logits),
                    () -> new VocabularyErrors(in).reduction(draws.out, logits, draws.token));
        });
    }
}
