package intuitor.bench;

import static intuitor.device.DType.F32;
import static intuitor.device.DType.I32;

import intuitor.device.DType;
import intuitor.device.PackedAttention;
import intuitor.device.PageTable;
import intuitor.device.Sampling;
import intuitor.device.Segments;
import intuitor.device.Tensor;
import intuitor.device.VocabStats;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** Every kernel of the engine at the sizes of one model, with the floor of each. */
final class KernelCases {

    private static final double EPS = 1e-6;
    /** Rows of a page of the cache, as in generation. */
    private static final int PAGE_SIZE = 16;

    private final BenchShape s;
    private final DType storage;
    private final List<KernelCase> cases = new ArrayList<>();

    private KernelCases(BenchShape shape, DType storage) {
        this.s = shape;
        this.storage = storage;
    }

    /** @param cudnn with cuDNN's attention too, beside this program's own */
    static List<KernelCase> of(BenchShape shape, DType storage, boolean cudnn) {
        KernelCases all = new KernelCases(shape, storage);
        all.vocabulary();
        all.lmHead();
        all.attention("", in -> in.device().nativeAttention());
        if (cudnn) {
            all.attention(", cuDNN", in -> in.device().attention());
        }
        all.decodeAttention();
        all.layer();
        all.optimiser();
        return all.cases;
    }

    static String shape(long... sizes) {
        StringBuilder text = new StringBuilder("[");
        for (long size : sizes) {
            text.append(text.length() > 1 ? ", " : "").append(size);
        }
        return text.append(']').toString();
    }

    static VocabStats stats(Inputs in, int n) {
        return new VocabStats(in.empty(F32, n), in.empty(F32, n), in.empty(F32, n), in.empty(F32, n), in.empty(I32, n));
    }

    private void vocabulary() {
        int n = s.scored();
        int v = s.vocab();
        for (DType type : storage == F32 ? List.of(F32) : List.of(storage, F32)) {
            double bytes = (double) n * v * type.bytes();
            cases.add(KernelCase.reading("vocab_reduce", shape(n, v), type, bytes, in -> {
                Tensor logits = in.gaussian(type, n, v);
                Tensor targets = in.indices(n, v);
                VocabStats out = stats(in, n);
                return () -> in.device().kernels().vocabReduce(out, logits, targets, 1, 1);
            }));
            cases.add(KernelCase.moving("logprob_backward", shape(n, v), type, 2 * bytes, in -> {
                Tensor logits = in.gaussian(type, n, v);
                Tensor targets = in.indices(n, v);
                Tensor lse = in.gaussian(F32, n);
                Tensor coefficient = in.gaussian(F32, n);
                return () -> in.device().kernels().logprobBackward(logits, lse, targets, coefficient, 1);
            }));
        }
        int b = s.batch();
        double bytes = (double) b * v * F32.bytes();
        sampling("sample", b, v, bytes, new Sampling(1, 0, 1, 0, v, 7));
        sampling("sample, top-k 50, top-p 0.95", b, v, bytes, new Sampling(1, 50, 0.95, 0, v, 7));
    }

    private void sampling(String name, int b, int v, double bytes, Sampling how) {
        cases.add(KernelCase.reading(name, shape(b, v), F32, bytes, in -> {
            Tensor logits = in.gaussian(F32, b, v);
            Tensor token = in.empty(I32, b);
            Tensor sequence = in.longs(LongStream.range(0, b).toArray());
            Tensor position = in.indices(b, 1000);
            VocabStats out = new VocabStats(null, in.empty(F32, b), in.empty(F32, b), in.empty(F32, b), null);
            return () -> in.device().kernels().sample(token, out, logits, sequence, position, how, 1);
        }));
    }

    /** Logits of a chunk of rows and their reduction, against the product alone. */
    private void lmHead() {
        int n = s.scored();
        int h = s.hidden();
        int v = s.vocab();
        double bytes = ((double) n * h + (double) v * h) * storage.bytes() + (double) n * v * F32.bytes();
        cases.add(new KernelCase("lm_head + vocab_reduce", shape(n, h, v), storage, bytes, 2.0 * n * h * v, in -> {
            Tensor hidden = in.gaussian(storage, n, h);
            Tensor weight = in.gaussian(storage, v, h);
            Tensor logits = in.empty(F32, n, v);
            Tensor targets = in.indices(n, v);
            VocabStats out = stats(in, n);
            return () -> {
                in.device().blas().gemm(logits, hidden, false, weight, true, false);
                in.device().kernels().vocabReduce(out, logits, targets, 1, 1);
            };
        }, Ceilings.gemm(F32, storage, n, v, h)));
    }

    /** Of whole sequences, by one implementation. */
    private void attention(String whose, Function<Inputs, PackedAttention> library) {
        AttentionCases attention = new AttentionCases(s, storage);
        cases.add(attention.forward("attention_forward" + whose, in -> {
            PackedAttention packed = library.apply(in);
            return (out, lse, qkv, segments) -> packed.forward(out, lse, qkv, segments, s.heads(), s.kvHeads(),
                    s.headDim(), in.arena());
        }));
        cases.add(attention.backward("attention_backward" + whose, library));
    }

    private void decodeAttention() {
        int hq = s.heads();
        int hkv = s.kvHeads();
        int d = s.headDim();
        int width = (hq + 2 * hkv) * d;
        int b = s.batch();
        int c = s.context();
        cases.add(KernelCase.reading("attention_decode", shape(b, c, hq, d) + " / " + hkv, storage,
                2.0 * b * c * hkv * d * storage.bytes(), in -> {
                    int pages = (c + PAGE_SIZE - 1) / PAGE_SIZE; // of a sequence
                    Tensor keys = in.gaussian(storage, (long) b * pages * PAGE_SIZE, hkv * d);
                    Tensor values = in.gaussian(storage, (long) b * pages * PAGE_SIZE, hkv * d);
                    Tensor qkv = in.gaussian(storage, b, width);
                    Tensor out = in.empty(storage, b, hq * d);
                    int[] rows = new int[b * Segments.WIDTH];
                    int[] families = new int[b + 1];
                    for (int i = 0; i < b; i++) {
                        int[] row = {i, 1, 0, 0, i * pages * PAGE_SIZE, c};
                        System.arraycopy(row, 0, rows, i * Segments.WIDTH, Segments.WIDTH);
                        families[i + 1] = i + 1;
                    }
                    Segments segments = new Segments(in.ints(rows).view(b, Segments.WIDTH), in.ints(families), b, b,
                            1, c, null);
                    PageTable table = new PageTable(in.ints(shuffled(b * pages)), PAGE_SIZE);
                    return () -> in.device().kernels().attentionDecode(out, qkv, keys, values, segments, table, hq, hkv,
                            d);
                }));
    }

    /** 0 .. n - 1 in an order without neighbours. */
    private static int[] shuffled(int n) {
        List<Integer> all = new ArrayList<>(IntStream.range(0, n).boxed().toList());
        Collections.shuffle(all, new Random(1));
        return all.stream().mapToInt(Integer::intValue).toArray();
    }

    /** What a decoder layer does between its matrix products. */
    private void layer() {
        int t = s.tokens();
        int h = s.hidden();
        double row = (double) t * h * storage.bytes();
        cases.add(KernelCase.moving("rms_norm_forward, residual", shape(t, h), storage, 4 * row, in -> {
            Tensor x = in.gaussian(storage, t, h);
            Tensor delta = in.gaussian(storage, t, h);
            Tensor sum = in.empty(storage, t, h);
            Tensor out = in.empty(storage, t, h);
            Tensor weight = in.gaussian(storage, h);
            Tensor rstd = in.empty(F32, t);
            return () -> in.device().kernels().rmsNormForward(out, rstd, sum, x, delta, weight, EPS);
        }));
        cases.add(KernelCase.moving("rms_norm_backward", shape(t, h), storage, 4 * row, in -> {
            Tensor x = in.gaussian(storage, t, h);
            Tensor dout = in.gaussian(storage, t, h);
            Tensor dx = in.zeros(storage, t, h);
            Tensor weight = in.gaussian(storage, h);
            Tensor dweight = in.zeros(F32, h);
            Tensor rstd = in.gaussian(F32, t);
            return () -> in.device().kernels().rmsNormBackward(dx, dweight, dout, x, weight, rstd);
        }));
        int hq = s.heads();
        int hkv = s.kvHeads();
        int d = s.headDim();
        int width = (hq + 2 * hkv) * d;
        double qkvBytes = 2.0 * t * width * storage.bytes();
        cases.add(KernelCase.moving("qkv_forward, bias, RoPE", shape(t, width), storage, qkvBytes, in -> {
            Tensor qkv = in.gaussian(storage, t, width);
            Tensor bias = in.gaussian(storage, width);
            Tensor rope = in.rope(s.sequence(), d);
            Tensor positions = in.indices(t, s.sequence());
            return () -> in.device().kernels().qkvForward(qkv, qkv, bias, null, null, EPS, rope, positions, hq, hkv, d);
        }));
        cases.add(KernelCase.moving("qkv_backward, bias, RoPE", shape(t, width), storage, qkvBytes, in -> {
            Tensor dqkv = in.gaussian(storage, t, width);
            Tensor dbias = in.zeros(F32, width);
            Tensor rope = in.rope(s.sequence(), d);
            Tensor positions = in.indices(t, s.sequence());
            return () -> in.device().kernels().qkvBackward(dqkv, dbias, null, null, null, null, null, EPS, rope,
                    positions, hq, hkv, d);
        }));
        int f = s.feedForward();
        double part = (double) t * f * storage.bytes();
        cases.add(KernelCase.moving("swiglu_forward", shape(t, f), storage, 3 * part, in -> {
            Tensor gateUp = in.gaussian(storage, t, 2 * f);
            Tensor out = in.empty(storage, t, f);
            return () -> in.device().kernels().swigluForward(out, gateUp);
        }));
        cases.add(KernelCase.moving("swiglu_backward", shape(t, f), storage, 6 * part, in -> {
            Tensor gateUp = in.gaussian(storage, t, 2 * f);
            Tensor dout = in.gaussian(storage, t, f);
            Tensor out = in.empty(storage, t, f);
            return () -> in.device().kernels().swigluBackward(gateUp, out, dout);
        }));
        cases.add(KernelCase.moving("embedding_forward", shape(t, h), storage, 2 * row, in -> {
            Tensor table = in.gaussian(storage, s.vocab(), h);
            Tensor ids = in.indices(t, s.vocab());
            Tensor out = in.empty(storage, t, h);
            return () -> in.device().kernels().embeddingForward(out, table, ids);
        }));
        cases.add(KernelCase.moving("embedding_backward", shape(t, h), storage, row + 2.0 * t * h * F32.bytes(), in -> {
            Tensor dtable = in.zeros(F32, s.vocab(), h);
            Tensor ids = in.indices(t, s.vocab());
            Tensor dout = in.gaussian(storage, t, h);
            return () -> in.device().kernels().embeddingBackward(dtable, dout, ids);
        }));
    }

    /** On as many parameters as one MLP matrix has. */
    private void optimiser() {
        long n = (long) s.hidden() * s.feedForward();
        cases.add(KernelCase.moving("adamw", shape(n), F32, 7.0 * n * F32.bytes(), in -> {
            Tensor p = in.gaussian(F32, n);
            Tensor g = in.gaussian(F32, n);
            Tensor m = in.zeros(F32, n);
            Tensor v = in.zeros(F32, n);
            return () -> in.device().kernels().adamw(p, g, m, v, 1e-6, 0.9, 0.999, 1e-8, 0.01, 1, 1);
        }));
        cases.add(KernelCase.reading("sum_squares", shape(n), F32, (double) n * F32.bytes(), in -> {
            Tensor x = in.gaussian(F32, n);
            Tensor out = in.empty(DType.F64, 1);
            return () -> in.device().kernels().sumSquares(out, x);
        }));
        cases.add(KernelCase.moving("cast", shape(n), storage, (double) n * (F32.bytes() + storage.bytes()), in -> {
            Tensor x = in.gaussian(F32, n);
            Tensor out = in.empty(storage, n);
            return () -> in.device().cast(out, x);
        }));
    }
}
