package intuitor.bench;

import static intuitor.device.DType.F32;

import intuitor.bench.KernelCase.Trial;
import intuitor.device.DType;
import intuitor.device.PackedMatrix;
import intuitor.device.Tensor;
import intuitor.device.TiledHead;
import intuitor.device.VocabStats;
import java.util.ArrayList;
import java.util.List;

/** The LM head, from hidden states to what is said about tokens, against the product alone. */
final class HeadCases {

    /** Scored together at least, where the head goes tile by tile: more do not make it faster. */
    private static final int ROWS = 256;

    private HeadCases() { }

    /** @param packed the types in which this device's library packs a weight */
    static List<KernelCase> of(BenchShape s, DType storage, List<DType> packed) {
        List<KernelCase> cases = new ArrayList<>();
        cases.add(whole(s.scored(), s.hidden(), s.vocab(), storage));
        cases.add(drawn(s.batch(), s.hidden(), s.vocab(), storage));
        int n = rows(s);
        cases.add(tiles("lm_head in tiles", n, s, storage, null));
        for (DType type : packed) {
            cases.add(tiles("lm_head in tiles, packed", n, s, storage, type));
        }
        return cases;
    }

    private static int rows(BenchShape s) {
        return Math.max(s.scored(), ROWS);
    }

    /** The fused kernels: of as many rows as the tiles, and drawing for the sequences that decode together. */
    static List<KernelCase> fused(BenchShape s, DType storage) {
        return List.of(scoring(s, storage), drawing(s.batch(), s.hidden(), s.vocab(), storage));
    }

    private static KernelCase scoring(BenchShape s, DType storage) {
        int n = rows(s);
        int h = s.hidden();
        int v = s.vocab();
        double bytes = ((double) n * h + (double) v * h) * storage.bytes();
        return KernelCase.multiplying("lm_head fused", storage, bytes, n, v, h, in -> {
            Tensor hidden = in.gaussian(storage, n, h);
            Tensor weight = in.gaussian(storage, v, h);
            Tensor targets = in.indices(n, v);
            VocabStats out = VocabularyCases.stats(in, n);
            Runnable run = () -> in.device().kernels().lmHeadForward(out, hidden, weight, targets, 1, 1);
            return Trial.of(run, () -> new VocabularyErrors(in).head(out, hidden, weight, targets));
        }, F32);
    }

    private static KernelCase drawing(int n, int h, int v, DType storage) {
        double bytes = ((double) n * h + (double) v * h) * storage.bytes();
        return KernelCase.multiplying("lm_head fused, sample", storage, bytes, n, v, h, in -> {
            Tensor hidden = in.gaussian(storage, n, h);
            Tensor weight = in.gaussian(storage, v, h);
            Draws draws = new Draws(in, n, Draws.unfiltered(v));
            Runnable run = () -> in.device().kernels().lmHeadSample(draws.token, draws.out, hidden, weight,
                    draws.sequence, draws.position, draws.how, 1);
            return Trial.of(run, () -> new VocabularyErrors(in).head(draws.out, hidden, weight, draws.token));
        }, F32);
    }

    /** Logits of whole rows, and a token drawn from each. */
    private static KernelCase drawn(int n, int h, int v, DType storage) {
        double bytes = ((double) n * h + (double) v * h) * storage.bytes() + (double) n * v * F32.bytes();
        return KernelCase.multiplying("lm_head + sample", storage, bytes, n, v, h, in -> {
            Tensor hidden = in.gaussian(storage, n, h);
            Tensor weight = in.gaussian(storage, v, h);
            Tensor logits = in.empty(F32, n, v);
            Draws draws = new Draws(in, n, Draws.unfiltered(v));
            Runnable run = () -> {
                in.device().blas().gemm(logits, hidden, false, weight, true, false);
                draws.from(logits);
            };
            return Trial.of(run, () -> new VocabularyErrors(in).head(draws.out, hidden, weight, draws.token));
        }, F32);
    }

    /** Logits of whole rows and their reduction. */
    private static KernelCase whole(int n, int h, int v, DType storage) {
        double bytes = ((double) n * h + (double) v * h) * storage.bytes() + (double) n * v * F32.bytes();
        return KernelCase.multiplying("lm_head + vocab_reduce", storage, bytes, n, v, h, in -> {
            Tensor hidden = in.gaussian(storage, n, h);
            Tensor weight = in.gaussian(storage, v, h);
            Tensor logits = in.empty(F32, n, v);
            Tensor targets = in.indices(n, v);
            VocabStats out = VocabularyCases.stats(in, n);
            Runnable run = () -> {
                in.device().blas().gemm(logits, hidden, false, weight, true, false);
                in.device().kernels().vocabReduce(out, logits, targets, 1, 1);
            };
            return Trial.of(run, () -> new VocabularyErrors(in).head(out, hidden, weight, targets));
        }, F32);
    }

    /** @param packed type of the packed weight; null: as it is */
    private static KernelCase tiles(String name, int n, BenchShape s, DType storage, DType packed) {
        int h = s.hidden();
        int v = s.vocab();
        DType type = packed == null ? storage : packed;
        double bytes = (double) n * h * storage.bytes() + (double) v * h * type.bytes();
        return new KernelCase(name, KernelCase.shape(n, h, v), type, bytes, 2.0 * n * h * v, true, in -> {
            Tensor hidden = exact(in, type, storage, n, h);
            Tensor weight = exact(in, type, storage, v, h);
            Tensor targets = in.indices(n, v);
            VocabStats out = VocabularyCases.stats(in, n);
            TiledHead head = new TiledHead(in.arena(), factor(in, weight, packed), n);
            Runnable run = () -> {
                for (int from = 0; from < n; from += (int) head.rows()) {
                    int rows = (int) Math.min(head.rows(), n - from);
                    head.reduce(rows(out, from, rows), hidden.rows(from, rows), targets.rows(from, rows), 1, 1);
                }
            };
            return Trial.of(run, () -> new VocabularyErrors(in).head(out, hidden, weight, targets));
        }, in -> {
            Tensor hidden = in.gaussian(storage, n, h);
            PackedMatrix weight = factor(in, in.gaussian(storage, v, h), packed);
            Tensor logits = in.empty(F32, n, v);
            return () -> in.device().blas().gemm(logits, hidden, weight);
        });
    }

    /** Random numbers that this type has, too: packing in it then loses nothing, and the error is the product's own. */
    private static Tensor exact(Inputs in, DType type, DType storage, long... shape) {
        Tensor t = in.gaussian(type, shape);
        if (type == storage) {
            return t;
        }
        Tensor wide = in.empty(storage, shape);
        in.device().cast(wide, t);
        return wide;
    }

    private static PackedMatrix factor(Inputs in, Tensor weight, DType packed) {
        return packed == null ? in.device().blas().unpacked(weight, true)
                : in.device().blas().pack(in.arena(), weight, true, packed);
    }

    private static VocabStats rows(VocabStats s, int from, int n) {
        return new VocabStats(s.lse().rows(from, n), s.logprob().rows(from, n), s.entropy().rows(from, n),
                s.selfCertainty().rows(from, n), s.argmax().rows(from, n));
    }
}
