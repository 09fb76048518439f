package intuitor.device;

import static intuitor.device.KernelRun.assertClose;
import static intuitor.device.KernelRun.assertStored;
import static intuitor.device.KernelRun.gaussian;
import static intuitor.device.KernelRun.run;
import static intuitor.device.KernelRun.runAligned;
import static intuitor.device.KernelRun.widen;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Attention against its oracle, with tensors at odd addresses and at aligned ones: devices have a way of their own for
 * the latter. Where the storage type is bf16, factors of products may be rounded to it; {@link AttentionOracle} tells
 * by how much that may move each element, and what is left are errors of fp32 sums.
 */
class AttentionKernelTest {

    /** Runs with tensors at odd addresses, then at aligned ones; both must satisfy the check. */
    private static void check(Function<KernelRun, double[][]> kernel, Consumer<double[][]> check) {
        check.accept(run(kernel));
        check.accept(runAligned(kernel));
    }

    @ParameterizedTest
    @CsvSource({
        "one token, 1, 1, 2", "one token, 4, 2, 32", "one token, 6, 1, 128", "one sequence, 1, 1, 8",
        "one sequence, 4, 2, 32", "one sequence, 14, 2, 64", "one sequence, 5, 1, 80", "one sequence, 3, 1, 256",
        "ragged, 4, 2, 32", "ragged, 6, 3, 10", "ragged, 6, 2, 64", "siblings, 4, 2, 32", "siblings, 4, 1, 64",
        "siblings, 3, 3, 18", "siblings, 8, 1, 128", "parts, 2, 1, 64", "long, 2, 1, 128", "long, 1, 1, 64",
        "long prompt, 4, 2, 32", "long prompt, 5, 1, 64", "continued, 4, 2, 16", "continued, 3, 1, 64",
        "continued, 6, 2, 128"})
    void forward(String name, int heads, int kvHeads, int d) {
        AttentionBatch batch = AttentionBatch.named(name);
        int width = (heads + 2 * kvHeads) * d;
        float[] qkv = gaussian(1, batch.tokens() * width);
        var expected = new AttentionOracle(heads, kvHeads, d, batch.segments()).forward(widen(qkv));
        check(r -> {
            Tensor out = r.out(batch.tokens(), heads * d);
            Tensor lse = r.outF32(batch.tokens(), heads);
            r.kernels().attentionForward(out, lse, r.in(qkv, batch.tokens(), width), batch.upload(r.arena()), heads,
                    kvHeads, d);
            Tensor withoutLse = r.out(batch.tokens(), heads * d);
            r.kernels().attentionForward(withoutLse, null, r.in(qkv, batch.tokens(), width), batch.upload(r.arena()),
                    heads, kvHeads, d);
            return new double[][] {r.get(out), r.get(lse), r.get(withoutLse)};
        }, results -> {
            assertStored(expected.out(), expected.bound(), results[0], 4e-6, 4e-6, "out");
            assertClose(expected.lse(), results[1], 2e-6, 4e-6, "lse");
            assertClose(results[0], results[2], 0, 0, "out without lse");
        });
    }

    /** Scores in the thousands: only the largest counts, nothing overflows. */
    @ParameterizedTest
    @CsvSource({"siblings, 4, 2, 16", "siblings, 4, 2, 64", "ragged, 2, 1, 128"})
    void hugeScores(String name, int heads, int kvHeads, int d) {
        AttentionBatch batch = AttentionBatch.named(name);
        int width = (heads + 2 * kvHeads) * d;
        float[] qkv = gaussian(1, batch.tokens() * width);
        for (int i = 0; i < qkv.length; i++) {
            qkv[i] *= i % width < (heads + kvHeads) * d ? 64 : 1;
        }
        var expected = new AttentionOracle(heads, kvHeads, d, batch.segments()).forward(widen(qkv));
        check(r -> {
            Tensor out = r.out(batch.tokens(), heads * d);
            Tensor lse = r.outF32(batch.tokens(), heads);
            r.kernels().attentionForward(out, lse, r.in(qkv, batch.tokens(), width), batch.upload(r.arena()), heads,
                    kvHeads, d);
            return new double[][] {r.get(out), r.get(lse)};
        }, results -> {
            // fp32 scores near 1e4 are 1e-3 apart
            assertStored(expected.out(), expected.bound(), results[0], 1e-2, 1e-2, "out");
            assertClose(expected.lse(), results[1], 1e-6, 1e-3, "lse");
        });
    }

    /** NaN in one sequence makes NaN of its own results and leaves those of its neighbours as they are, bit for bit. */
    @ParameterizedTest
    @CsvSource({"4, 2, 10", "4, 2, 64", "3, 1, 128"})
    void neighboursAreLeftAlone(int heads, int kvHeads, int d) {
        AttentionBatch batch = AttentionBatch.named("ragged");
        int t = batch.tokens();
        int width = (heads + 2 * kvHeads) * d;
        float[] clean = gaussian(1, t * width);
        float[] dout = gaussian(2, t * heads * d);
        int[] spoilt = batch.segments()[3];
        float[] dirty = clean.clone();
        Arrays.fill(dirty, spoilt[0] * width, (spoilt[0] + spoilt[1]) * width, Float.NaN);
        double[][][] results = new double[2][][];
        for (int i = 0; i < 2; i++) {
            float[] qkv = i == 0 ? clean : dirty;
            results[i] = runAligned(r -> forwardAndBackward(r, batch, qkv, dout, heads, kvHeads, d));
        }
        for (int k = 0; k < 2; k++) {
            int row = results[0][k].length / t;
            for (int i = 0; i < results[0][k].length; i++) {
                boolean own = i / row >= spoilt[0] && i / row < spoilt[0] + spoilt[1];
                assertEquals(own ? Double.NaN : results[0][k][i], results[1][k][i], "result " + k + ", element " + i);
            }
        }
    }

    /** out and dqkv. */
    private static double[][] forwardAndBackward(KernelRun r, AttentionBatch batch, float[] qkv, float[] dout,
            int heads, int kvHeads, int d) {
        int t = batch.tokens();
        Segments segments = batch.upload(r.arena());
        Tensor input = r.in(qkv, t, (long) (heads + 2 * kvHeads) * d);
        Tensor out = r.out(t, heads * d);
        Tensor lse = r.outF32(t, heads);
        r.kernels().attentionForward(out, lse, input, segments, heads, kvHeads, d);
        Tensor dqkv = r.out(t, (long) (heads + 2 * kvHeads) * d);
        r.kernels().attentionBackward(dqkv, r.outF32(t, heads), r.in(dout, t, heads * d), input, out, lse, segments,
                heads, kvHeads, d);
        return new double[][] {r.get(out), r.get(dqkv)};
    }

    /** A cache of pages in random order, with what its rows hold as the segments number them. */
    private record Cache(int pageSize, int[] pages, float[] k, float[] v) {

        static Cache of(int rows, int width, int pageSize) {
            int[] pages = new Random(rows).ints(0, 2 * rows / pageSize + 2).distinct()
                    .limit((rows + pageSize - 1) / pageSize).toArray();
            return new Cache(pageSize, pages, gaussian(2, rows * width), gaussian(3, rows * width));
        }

        /** The matrix as it lies in memory; pages that are in no table hold NaN. */
        Tensor upload(KernelRun r, float[] matrix, int width) {
            int rows = (Arrays.stream(pages).max().orElseThrow() + 1) * pageSize;
            float[] paged = new float[rows * width];
            Arrays.fill(paged, Float.NaN);
            for (int row = 0; row < matrix.length / width; row++) {
                int to = pages[row / pageSize] * pageSize + row % pageSize;
                System.arraycopy(matrix, row * width, paged, to * width, width);
            }
            return r.in(paged, rows, width);
        }

        Tensor decode(KernelRun r, float[] qkv, AttentionBatch batch, int heads, int kvHeads, int d) {
            Tensor out = r.out(batch.tokens(), heads * d);
            r.kernels().attentionDecode(out, r.in(qkv, batch.tokens(), (long) (heads + 2 * kvHeads) * d),
                    upload(r, k, kvHeads * d), upload(r, v, kvHeads * d), batch.upload(r.arena()),
                    new PageTable(r.in(pages), pageSize), heads, kvHeads, d);
            return out;
        }
    }

    /**
     * One new token a sequence, over cache rows of its own and of a prompt shared with its siblings.
     *
     * @param prompt rows of the prompt
     * @param room   the most rows of a sequence's own
     * @param page   rows of a page
     */
    @ParameterizedTest
    @CsvSource({
        "1, 40, 75, 1, 1, 2, 16", "7, 40, 75, 4, 2, 32, 1", "130, 40, 75, 4, 2, 32, 16", "9, 40, 75, 14, 2, 64, 16",
        "5, 40, 75, 6, 3, 10, 3", "3, 40, 75, 8, 1, 128, 32", "10, 300, 70, 8, 1, 64, 16", "4, 17, 600, 2, 2, 64, 48",
        "3, 257, 520, 7, 1, 128, 16", "2, 1, 1, 4, 2, 64, 16", "6, 130, 40, 20, 1, 64, 5", "2, 40, 300, 5, 1, 80, 16",
        "4, 300, 300, 4, 2, 64, 1024"})
    void decode(int sequences, int prompt, int room, int heads, int kvHeads, int d, int page) {
        Random random = new Random(sequences);
        int promptRows = pages(prompt, page);
        int ownRows = pages(room, page);
        int[][] segments = new int[sequences][];
        for (int s = 0; s < sequences; s++) {
            boolean sibling = s % 7 != 2;
            segments[s] = new int[] {s, 1, 0, sibling ? prompt : 0, promptRows + s * ownRows, 1 + random.nextInt(room)};
        }
        int width = (heads + 2 * kvHeads) * d;
        float[] qkv = gaussian(1, sequences * width);
        Cache cache = Cache.of(promptRows + sequences * ownRows, kvHeads * d, page);
        AttentionBatch batch = new AttentionBatch(sequences, segments, new int[] {0, sequences});
        var expected = new AttentionOracle(heads, kvHeads, d, segments)
                .forward(widen(qkv), width, widen(cache.k), 0, widen(cache.v), 0, kvHeads * d);
        check(r -> new double[][] {r.get(cache.decode(r, qkv, batch, heads, kvHeads, d))},
                results -> assertStored(expected.out(), expected.bound(), results[0], 4e-6, 4e-6, "out"));
    }

    /** This many rows in whole pages. */
    private static int pages(int rows, int page) {
        return (rows + page - 1) / page * page;
    }

    /** A sequence's result has the same bits alone and in company, whatever the others share with it. */
    @ParameterizedTest
    @CsvSource({"4, 2, 32", "4, 2, 64", "7, 1, 128"})
    void decodeDoesNotDependOnTheBatch(int heads, int kvHeads, int d) {
        int sequences = 25; // enough for a block to do all of a sequence's keys, where one alone has several blocks
        int[][] segments = new int[sequences][];
        for (int s = 0; s < sequences; s++) {
            segments[s] = new int[] {s, 1, 0, s < 7 ? 300 : 5, 304 + 48 * s, 40 - s};
        }
        int width = (heads + 2 * kvHeads) * d;
        float[] qkv = gaussian(1, sequences * width);
        Cache cache = Cache.of(304 + 48 * sequences, kvHeads * d, 16);
        AttentionBatch together = new AttentionBatch(sequences, segments, new int[] {0, sequences});
        runAligned(r -> {
            Tensor all = cache.decode(r, qkv, together, heads, kvHeads, d);
            for (int s = 1; s < sequences; s += 7) {
                int[] segment = segments[s].clone();
                segment[0] = 0;
                Tensor one = cache.decode(r, Arrays.copyOfRange(qkv, s * width, (s + 1) * width),
                        new AttentionBatch(1, new int[][] {segment}, new int[] {0, 1}), heads, kvHeads, d);
                assertClose(r.get(all.slice((long) s * heads * d, 1, heads * d)), r.get(one), 0, 0, "sequence " + s);
            }
            return new double[][] {r.get(all)};
        });
    }

    /**
     * On the CPU a token's result has the same bits whether it is decoded over pages of any size or part of a batch,
     * and whatever counts as its prefix.
     */
    @ParameterizedTest
    @CsvSource({"4, 2, 32, 30, 70, 16", "4, 1, 64, 100, 300, 5", "7, 1, 128, 257, 5, 16", "3, 3, 10, 1, 700, 64"})
    void decodingHasTheBitsOfTheForwardPass(int heads, int kvHeads, int d, int prompt, int own, int page) {
        if (TestDevices.isCuda()) {
            return; // tensor cores add up in another order
        }
        int tokens = prompt + own;
        int width = (heads + 2 * kvHeads) * d;
        float[] qkv = gaussian(1, tokens * width);
        int[][] whole = {{0, tokens, 0, 0, 0, tokens}};
        int[][] shared = {{0, prompt, 0, 0, 0, prompt}, {prompt, own, 0, prompt, prompt, own}};
        Cache cache = new Cache(page, Cache.of(pages(prompt, page) + pages(own, page), 1, page).pages,
                columns(qkv, width, heads * d, kvHeads * d, prompt, pages(prompt, page)),
                columns(qkv, width, (heads + kvHeads) * d, kvHeads * d, prompt, pages(prompt, page)));
        runAligned(r -> {
            double[][] forward = new double[2][];
            for (int i = 0; i < 2; i++) {
                Tensor out = r.out(tokens, heads * d);
                r.kernels().attentionForward(out, null, r.in(qkv, tokens, width),
                        new AttentionBatch(tokens, i == 0 ? whole : shared, new int[] {0, 1}).upload(r.arena()), heads,
                        kvHeads, d);
                forward[i] = r.get(out);
            }
            assertClose(forward[0], forward[1], 0, 0, "a shared prefix");
            for (int t = 0; t < own; t += 1 + t / 3) {
                Tensor out = cache.decode(r, Arrays.copyOfRange(qkv, (prompt + t) * width, (prompt + t + 1) * width),
                        new AttentionBatch(1, new int[][] {{0, 1, 0, prompt, pages(prompt, page), t + 1}},
                                new int[] {0, 1}), heads, kvHeads, d);
                int row = (prompt + t) * heads * d;
                assertClose(Arrays.copyOfRange(forward[0], row, row + heads * d), r.get(out), 0, 0, "token " + t);
            }
            return forward;
        });
    }

    /** Columns [from, from + count) of the rows, with a gap of zeros behind the prompt's. */
    private static float[] columns(float[] rows, int width, int from, int count, int prompt, int promptRows) {
        int n = rows.length / width;
        float[] result = new float[(promptRows + n - prompt) * count];
        for (int i = 0; i < n; i++) {
            System.arraycopy(rows, i * width + from, result, (i < prompt ? i : promptRows + i - prompt) * count, count);
        }
        return result;
    }

    @ParameterizedTest
    @CsvSource({
        "one token, 1, 1, 2", "one token, 4, 2, 32", "one token, 6, 1, 128", "one sequence, 1, 1, 8",
        "one sequence, 4, 2, 32", "one sequence, 14, 2, 64", "one sequence, 5, 1, 80", "one sequence, 3, 1, 256",
        "ragged, 4, 2, 32", "ragged, 6, 3, 10", "ragged, 6, 2, 64", "siblings, 4, 2, 32", "siblings, 4, 1, 64",
        "siblings, 3, 3, 18", "siblings, 8, 1, 128", "parts, 4, 2, 16", "parts, 2, 1, 64", "parts, 3, 1, 128",
        "long, 2, 1, 128", "long, 1, 1, 64", "long prompt, 4, 2, 32", "long prompt, 5, 1, 64"})
    void backward(String name, int heads, int kvHeads, int d) {
        AttentionBatch batch = AttentionBatch.named(name);
        int t = batch.tokens();
        int width = (heads + 2 * kvHeads) * d;
        float[] qkv = gaussian(1, t * width);
        float[] dout = gaussian(2, t * heads * d);
        var expected = new AttentionOracle(heads, kvHeads, d, batch.segments()).backward(widen(dout), widen(qkv));
        check(r -> forwardAndBackward(r, batch, qkv, dout, heads, kvHeads, d),
                results -> assertStored(expected.d(), expected.bound(), results[1], 1e-5, 1e-5, "dqkv"));
    }
}
