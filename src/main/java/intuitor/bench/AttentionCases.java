package intuitor.bench;

import static intuitor.device.DType.F32;

import intuitor.bench.KernelCase.Trial;
import intuitor.device.DType;
import intuitor.device.PackedAttention;
import intuitor.device.Segments;
import intuitor.device.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Attention of whole sequences, causal, each its own family, by one implementation or another. The floor is the
 * products of the causal triangle: two forward, five backward.
 */
final class AttentionCases {

    /** The forward pass, its sizes known; lse is wanted. */
    interface Forward {
        void run(Tensor out, Tensor lse, Tensor qkv, Segments segments);
    }

    /** Looked at, of the gradients. */
    private static final int LAST_ROWS = 8;

    private final BenchShape s;
    private final DType storage;
    private final int width; // of a row of qkv
    private final double flops; // of the forward pass
    private final double bytes;

    AttentionCases(BenchShape shape, DType storage) {
        this.s = shape;
        this.storage = storage;
        width = (s.heads() + 2 * s.kvHeads()) * s.headDim();
        flops = 4.0 * s.tokens() * (s.sequence() + 1) / 2 * s.heads() * s.headDim();
        bytes = (double) s.tokens() * (width + s.heads() * s.headDim()) * storage.bytes();
    }

    /** Forward and backward by one library, whose name comes behind the kernels'. */
    List<KernelCase> both(String whose, Function<Inputs, PackedAttention> library) {
        return List.of(forward("attention_forward" + whose, in -> {
            PackedAttention packed = library.apply(in);
            return (out, lse, qkv, segments) -> packed.forward(out, lse, qkv, segments, s.heads(), s.kvHeads(),
                    s.headDim(), in.arena());
        }), backward("attention_backward" + whose, library));
    }

    KernelCase forward(String name, Function<Inputs, Forward> implementation) {
        return KernelCase.computing(name, shape(), storage, bytes, flops, in -> {
            Tensor qkv = in.gaussian(storage, s.tokens(), width);
            Tensor out = out(in);
            Tensor lse = lse(in);
            Segments segments = segments(in);
            Forward forward = implementation.apply(in);
            Runnable run = () -> forward.run(out, lse, qkv, segments);
            return Trial.of(run, () -> forwardError(in, out, lse, qkv));
        });
    }

    private KernelCase backward(String name, Function<Inputs, PackedAttention> library) {
        return KernelCase.computing(name, shape(), storage, 2 * bytes, 2.5 * flops, in -> {
            Tensor qkv = in.gaussian(storage, s.tokens(), width);
            Tensor out = out(in);
            Tensor lse = lse(in);
            Segments segments = segments(in);
            PackedAttention attention = library.apply(in);
            attention.forward(out, lse, qkv, segments, s.heads(), s.kvHeads(), s.headDim(), in.arena());
            Tensor dout = in.gaussian(storage, s.tokens(), s.heads() * s.headDim());
            Tensor dqkv = in.empty(storage, s.tokens(), width);
            Runnable run = () -> attention.backward(dqkv, dout, qkv, out, lse, segments, s.heads(), s.kvHeads(),
                    s.headDim(), in.arena());
            return Trial.of(run, () -> backwardError(in, dqkv, dout, qkv));
        });
    }

    /** Of a few rows of the last sequence, its first and its last head. */
    private double forwardError(Inputs in, Tensor out, Tensor lse, Tensor qkv) {
        int from = s.tokens() - s.sequence();
        AttentionReference reference = lastSequence(in, qkv);
        double worst = 0;
        for (int i : Errors.sample(s.sequence())) {
            double[] results = in.values(out.rows(from + i, 1));
            double[] sums = in.values(lse.rows(from + i, 1));
            for (int head : new int[] {0, s.heads() - 1}) {
                double[] one = Arrays.copyOfRange(results, head * s.headDim(), (head + 1) * s.headDim());
                worst = Math.max(worst, Errors.of(one, reference.out(i, head)));
                worst = Math.max(worst, Errors.of(sums[head], reference.lse(i, head)));
            }
        }
        return worst;
    }

    /** Of the last rows, which are the only ones to see their keys, and the last key-value head. */
    private double backwardError(Inputs in, Tensor dqkv, Tensor dout, Tensor qkv) {
        int rows = Math.min(LAST_ROWS, s.sequence());
        int group = s.heads() / s.kvHeads();
        int[] begin = {(s.heads() - group) * s.headDim(), (s.heads() + s.kvHeads() - 1) * s.headDim(),
                width - s.headDim()};
        double[][] given = new double[rows][];
        double[][] results = new double[rows][];
        for (int r = 0; r < rows; r++) {
            given[r] = in.values(dout.rows(s.tokens() - rows + r, 1));
            results[r] = in.values(dqkv.rows(s.tokens() - rows + r, 1));
        }
        double[][][] expected = lastSequence(in, qkv).gradients(given, s.kvHeads() - 1);
        double worst = 0;
        for (int part = 0; part < begin.length; part++) {
            int size = expected[part][0].length;
            double[] got = new double[rows * size];
            double[] wanted = new double[rows * size];
            for (int r = 0; r < rows; r++) {
                System.arraycopy(results[r], begin[part], got, r * size, size);
                System.arraycopy(expected[part][r], 0, wanted, r * size, size);
            }
            worst = Math.max(worst, Errors.of(got, wanted));
        }
        return worst;
    }

    private AttentionReference lastSequence(Inputs in, Tensor qkv) {
        return AttentionReference.packed(in.values(qkv.rows(s.tokens() - s.sequence(), s.sequence())), s.heads(),
                s.kvHeads(), s.headDim());
    }

    private String shape() {
        return KernelCase.shape(s.tokens() / s.sequence(), s.sequence(), s.heads(), s.headDim()) + " / " + s.kvHeads();
    }

    private Tensor out(Inputs in) {
        return in.empty(storage, s.tokens(), s.heads() * s.headDim());
    }

    private Tensor lse(Inputs in) {
        return in.empty(F32, s.tokens(), s.heads());
    }

    private Segments segments(Inputs in) {
        int length = s.sequence();
        int count = s.tokens() / length;
        int[] rows = new int[count * Segments.WIDTH];
        int[] families = new int[count + 1];
        for (int i = 0; i < count; i++) {
            int[] row = {i * length, length, 0, 0, i * length, length};
            System.arraycopy(row, 0, rows, i * Segments.WIDTH, Segments.WIDTH);
            families[i + 1] = i + 1;
        }
        int[] starts = IntStream.rangeClosed(0, count).map(i -> i * length).toArray();
        return new Segments(in.ints(rows).view(count, Segments.WIDTH), in.ints(families), count, count, length, length,
                starts);
    }
}
