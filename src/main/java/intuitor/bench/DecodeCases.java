package intuitor.bench;

import intuitor.bench.KernelCase.Trial;
import intuitor.device.DType;
import intuitor.device.DecodeInputs;
import intuitor.device.DecodeProgress;
import intuitor.device.PageTable;
import intuitor.device.Segments;
import intuitor.device.Tensor;
import intuitor.device.VocabStats;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Of a step of generation: attention of one new token each of many sequences, over the pages of a cache in any order,
 * and the step's end, which makes the next one's inputs.
 */
final class DecodeCases {

    /** Rows of a page, as in generation. */
    private static final int PAGE_SIZE = 16;
    /** Steps of a run, so many that beginning another one does not show. */
    private static final int RUN = 1 << 12;

    private final BenchShape s;
    private final DType storage;
    private final int pages; // of a sequence
    private final int[] table;

    private DecodeCases(BenchShape shape, DType storage) {
        this.s = shape;
        this.storage = storage;
        this.pages = (s.context() + PAGE_SIZE - 1) / PAGE_SIZE;
        this.table = shuffled(s.batch() * pages);
    }

    static List<KernelCase> of(BenchShape shape, DType storage) {
        DecodeCases cases = new DecodeCases(shape, storage);
        return List.of(cases.attention(), cases.advance());
    }

    /** So little that the floor is that of starting a kernel; each call is a step of a run in which none has ended. */
    private KernelCase advance() {
        int b = s.batch();
        int table = RUN / PAGE_SIZE + 1;
        // read: token, statistics, count, limit, two positions, two of the segment, a page; written: the log's 4
        // numbers, count, token, two positions, length, place in the cache
        double bytes = (double) b * (11 + 10) * Integer.BYTES;
        return KernelCase.moving("decode_advance", KernelCase.shape(b), storage, bytes, 0, in -> {
            int[] rows = new int[b * Segments.WIDTH];
            for (int i = 0; i < b; i++) {
                System.arraycopy(new int[] {i, 1, 0, 0, i * table * PAGE_SIZE, 1}, 0, rows, i * Segments.WIDTH,
                        Segments.WIDTH);
            }
            Tensor ids = in.zeros(DType.I32, b);
            Tensor segments = in.ints(rows);
            Tensor drawn = in.zeros(DType.I32, b);
            DecodeInputs inputs = new DecodeInputs(ids, in.zeros(DType.I32, b), in.zeros(DType.I32, b),
                    new Segments(segments.view(b, Segments.WIDTH), null, b, 0, 1, RUN, null),
                    new PageTable(in.zeros(DType.I32, (long) b * table), PAGE_SIZE));
            DecodeProgress progress = new DecodeProgress(in.zeros(DType.I32, b), drawn,
                    in.ints(IntStream.generate(() -> RUN).limit(b).toArray()),
                    in.empty(DType.I32, RUN, b, DecodeProgress.WIDTH), in.ints(new int[] {-1}));
            Tensor token = in.indices(b, s.vocab());
            VocabStats stats = new VocabStats(null, in.gaussian(DType.F32, b), in.gaussian(DType.F32, b),
                    in.gaussian(DType.F32, b), null);
            int[] steps = new int[1];
            Runnable run = () -> {
                if (steps[0]++ == RUN) {
                    steps[0] = 1;
                    in.device().zero(drawn);
                    in.device().upload(segments, rows);
                }
                in.device().kernels().decodeAdvance(inputs, progress, token, stats);
            };
            return Trial.of(run, () -> {
                boolean counted = Arrays.stream(in.integers(drawn)).allMatch(n -> n == steps[0]);
                return counted && Arrays.equals(in.integers(token), in.integers(ids)) ? 0 : Double.POSITIVE_INFINITY;
            });
        });
    }

    private KernelCase attention() {
        int b = s.batch();
        int c = s.context();
        int kvWidth = s.kvHeads() * s.headDim();
        int width = s.heads() * s.headDim();
        return KernelCase.reading("attention_decode",
                KernelCase.shape(b, c, s.heads(), s.headDim()) + " / " + s.kvHeads(), storage,
                2.0 * b * c * kvWidth * storage.bytes(), 4.0 * b * c * width, in -> {
                    Tensor keys = in.gaussian(storage, (long) b * pages * PAGE_SIZE, kvWidth);
                    Tensor values = in.gaussian(storage, (long) b * pages * PAGE_SIZE, kvWidth);
                    Tensor qkv = in.gaussian(storage, b, width + 2 * kvWidth);
                    Tensor out = in.empty(storage, b, width);
                    Segments segments = segments(in);
                    PageTable where = new PageTable(in.ints(table), PAGE_SIZE);
                    Runnable run = () -> in.device().kernels().attentionDecode(out, qkv, keys, values, segments, where,
                            s.heads(), s.kvHeads(), s.headDim());
                    return Trial.of(run, () -> error(in, out, qkv, keys, values));
                });
    }

    private Segments segments(Inputs in) {
        int b = s.batch();
        int[] rows = new int[b * Segments.WIDTH];
        int[] families = new int[b + 1];
        for (int i = 0; i < b; i++) {
            int[] row = {i, 1, 0, 0, i * pages * PAGE_SIZE, s.context()};
            System.arraycopy(row, 0, rows, i * Segments.WIDTH, Segments.WIDTH);
            families[i + 1] = i + 1;
        }
        return new Segments(in.ints(rows).view(b, Segments.WIDTH), in.ints(families), b, b, 1, s.context(), null);
    }

    /** Of the first, the middle and the last sequence, first and last head. */
    private double error(Inputs in, Tensor out, Tensor qkv, Tensor keys, Tensor values) {
        double worst = 0;
        for (int i : Errors.sample(s.batch())) {
            double[] query = in.values(qkv.rows(i, 1));
            AttentionReference reference = new AttentionReference(new double[0][], rows(in, keys, i),
                    rows(in, values, i), s.heads(), s.kvHeads(), s.headDim());
            double[] results = in.values(out.rows(i, 1));
            for (int head : new int[] {0, s.heads() - 1}) {
                double[] one = Arrays.copyOfRange(results, head * s.headDim(), (head + 1) * s.headDim());
                worst = Math.max(worst, Errors.of(one, reference.out(query, head, s.context())));
            }
        }
        return worst;
    }

    /** A sequence's rows of the cache, in order. */
    private double[][] rows(Inputs in, Tensor cache, int sequence) {
        int width = (int) cache.dim(1);
        double[][] rows = new double[s.context()][];
        for (int page = 0; page < pages; page++) {
            double[] values = in.values(cache.rows((long) table[sequence * pages + page] * PAGE_SIZE, PAGE_SIZE));
            for (int r = 0; r < PAGE_SIZE && page * PAGE_SIZE + r < s.context(); r++) {
                rows[page * PAGE_SIZE + r] = Arrays.copyOfRange(values, r * width, (r + 1) * width);
            }
        }
        return rows;
    }

    /** 0 .. n - 1 in an order without neighbours. */
    private static int[] shuffled(int n) {
        List<Integer> all = new ArrayList<>(IntStream.range(0, n).boxed().toList());
        Collections.shuffle(all, new Random(1));
        return all.stream().mapToInt(Integer::intValue).toArray();
    }
}
