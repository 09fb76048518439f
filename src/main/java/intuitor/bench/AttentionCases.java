package intuitor.bench;

import static intuitor.device.DType.F32;

import intuitor.device.DType;
import intuitor.device.PackedAttention;
import intuitor.device.Segments;
import intuitor.device.Tensor;
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

    KernelCase forward(String name, Function<Inputs, Forward> implementation) {
        return KernelCase.computing(name, shape(), storage, bytes, flops, in -> {
            Tensor qkv = in.gaussian(storage, s.tokens(), width);
            Tensor out = out(in);
            Tensor lse = lse(in);
            Segments segments = segments(in);
            Forward forward = implementation.apply(in);
            return () -> forward.run(out, lse, qkv, segments);
        });
    }

    KernelCase backward(String name, Function<Inputs, PackedAttention> library) {
        return KernelCase.computing(name, shape(), storage, 2 * bytes, 2.5 * flops, in -> {
            Tensor qkv = in.gaussian(storage, s.tokens(), width);
            Tensor out = out(in);
            Tensor lse = lse(in);
            Segments segments = segments(in);
            PackedAttention attention = library.apply(in);
            attention.forward(out, lse, qkv, segments, s.heads(), s.kvHeads(), s.headDim(), in.arena());
            Tensor dout = in.gaussian(storage, s.tokens(), s.heads() * s.headDim());
            Tensor dqkv = in.empty(storage, s.tokens(), width);
            return () -> attention.backward(dqkv, dout, qkv, out, lse, segments, s.heads(), s.kvHeads(), s.headDim(),
                    in.arena());
        });
    }

    private String shape() {
        return KernelCases.shape(s.tokens() / s.sequence(), s.sequence(), s.heads(), s.headDim()) + " / " + s.kvHeads();
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
