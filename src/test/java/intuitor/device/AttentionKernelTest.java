package intuitor.device;

import static intuitor.device.KernelRun.assertClose;
import static intuitor.device.KernelRun.assertStored;
import static intuitor.device.KernelRun.gaussian;
import static intuitor.device.KernelRun.run;
import static intuitor.device.KernelRun.runAligned;
import static intuitor.device.KernelRun.widen;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
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

    /** A packed batch: prompts, each followed by the completions that share it. */
    private record Batch(int tokens, int[][] segments, int[] families) {

        /** lengths: of a prompt and its completions, a row a family. */
        static Batch of(int[]... lengths) {
            List<int[]> segments = new ArrayList<>();
            int[] families = new int[lengths.length + 1];
            int at = 0;
            for (int f = 0; f < lengths.length; f++) {
                int prompt = at;
                for (int i = 0; i < lengths[f].length; i++) {
                    segments.add(new int[] {at, lengths[f][i], i == 0 ? 0 : prompt, i == 0 ? 0 : lengths[f][0], at,
                        lengths[f][i]});
                    at += lengths[f][i];
                }
                families[f + 1] = segments.size();
            }
            return new Batch(at, segments.toArray(int[][]::new), families);
        }

        Segments upload(KernelRun r) {
            int maxQ = Arrays.stream(segments).mapToInt(s -> s[1]).max().orElseThrow();
            int maxK = Arrays.stream(segments).mapToInt(s -> s[3] + s[5]).max().orElseThrow();
            int[] flat = Arrays.stream(segments).flatMapToInt(Arrays::stream).toArray();
            return new Segments(r.in(flat).view(segments.length, Segments.WIDTH), r.in(families), segments.length,
                    families.length - 1, maxQ, maxK, null);
        }
    }

    /** Batches by name, for the parameterised tests. */
    private static Batch batch(String name) {
        return switch (name) {
            case "one token" -> Batch.of(new int[] {1});
            case "one sequence" -> Batch.of(new int[] {37});
            case "long" -> Batch.of(new int[] {300});
            case "ragged" -> Batch.of(new int[] {1}, new int[] {16}, new int[] {5}, new int[] {33}, new int[] {64},
                    new int[] {17});
            case "siblings" -> Batch.of(new int[] {9, 12, 1, 31, 16}, new int[] {21}, new int[] {1, 1, 2});
            case "long prompt" -> Batch.of(new int[] {130, 3, 70});
            // siblings that see the middle of the prompt, nothing of it, and its end
            case "parts" -> new Batch(109, new int[][] {
                {0, 80, 0, 0, 0, 80}, {80, 7, 7, 66, 80, 7}, {87, 9, 0, 0, 87, 9}, {96, 13, 66, 14, 96, 13}},
                    new int[] {0, 4});
            default -> throw new IllegalArgumentException(name);
        };
    }

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
        "long prompt, 4, 2, 32", "long prompt, 5, 1, 64"})
    void forward(String name, int heads, int kvHeads, int d) {
        Batch batch = batch(name);
        int width = (heads + 2 * kvHeads) * d;
        float[] qkv = gaussian(1, batch.tokens() * width);
        var expected = new AttentionOracle(heads, kvHeads, d, batch.segments()).forward(widen(qkv));
        check(r -> {
            Tensor out = r.out(batch.tokens(), heads * d);
            Tensor lse = r.outF32(batch.tokens(), heads);
            r.kernels().attentionForward(out, lse, r.in(qkv, batch.tokens(), width), batch.upload(r), heads, kvHeads,
                    d);
            Tensor withoutLse = r.out(batch.tokens(), heads * d);
            r.kernels().attentionForward(withoutLse, null, r.in(qkv, batch.tokens(), width), batch.upload(r), heads,
                    kvHeads, d);
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
        Batch batch = batch(name);
        int width = (heads + 2 * kvHeads) * d;
        float[] qkv = gaussian(1, batch.tokens() * width);
        for (int i = 0; i < qkv.length; i++) {
            qkv[i] *= i % width < (heads + kvHeads) * d ? 64 : 1;
        }
        var expected = new AttentionOracle(heads, kvHeads, d, batch.segments()).forward(widen(qkv));
        check(r -> {
            Tensor out = r.out(batch.tokens(), heads * d);
            Tensor lse = r.outF32(batch.tokens(), heads);
            r.kernels().attentionForward(out, lse, r.in(qkv, batch.tokens(), width), batch.upload(r), heads, kvHeads,
                    d);
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
        Batch batch = batch("ragged");
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
    private static double[][] forwardAndBackward(KernelRun r, Batch batch, float[] qkv, float[] dout, int heads,
            int kvHeads, int d) {
        int t = batch.tokens();
        Segments segments = batch.upload(r);
        Tensor input = r.in(qkv, t, (long) (heads + 2 * kvHeads) * d);
        Tensor out = r.out(t, heads * d);
        Tensor lse = r.outF32(t, heads);
        r.kernels().attentionForward(out, lse, input, segments, heads, kvHeads, d);
        Tensor dqkv = r.out(t, (long) (heads + 2 * kvHeads) * d);
        r.kernels().attentionBackward(dqkv, r.outF32(t, heads), r.in(dout, t, heads * d), input, out, lse, segments,
                heads, kvHeads, d);
        return new double[][] {r.get(out), r.get(dqkv)};
    }

    /**
     * One new token a sequence, over cache rows of its own and of a prompt shared with its siblings.
     *
     * @param prompt rows of the prompt
     * @param room   the most rows of a sequence's own
     */
    @ParameterizedTest
    @CsvSource({
        "1, 40, 75, 1, 1, 2", "7, 40, 75, 4, 2, 32", "130, 40, 75, 4, 2, 32", "9, 40, 75, 14, 2, 64",
        "5, 40, 75, 6, 3, 10", "3, 40, 75, 8, 1, 128", "10, 300, 70, 8, 1, 64", "4, 17, 600, 2, 2, 64",
        "3, 257, 520, 7, 1, 128", "2, 1, 1, 4, 2, 64", "6, 130, 40, 20, 1, 64", "2, 40, 300, 5, 1, 80"})
    void decode(int sequences, int prompt, int room, int heads, int kvHeads, int d) {
        Random random = new Random(sequences);
        int rows = prompt + sequences * room;
        int[][] segments = new int[sequences][];
        for (int s = 0; s < sequences; s++) {
            boolean sibling = s % 7 != 2;
            segments[s] = new int[] {s, 1, 0, sibling ? prompt : 0, prompt + s * room, 1 + random.nextInt(room)};
        }
        int width = (heads + 2 * kvHeads) * d;
        float[] qkv = gaussian(1, sequences * width);
        float[] k = gaussian(2, rows * kvHeads * d);
        float[] v = gaussian(3, rows * kvHeads * d);
        Batch batch = new Batch(sequences, segments, new int[] {0, sequences});
        var expected = new AttentionOracle(heads, kvHeads, d, segments)
                .forward(widen(qkv), width, widen(k), 0, widen(v), 0, kvHeads * d);
        check(r -> {
            Tensor out = r.out(sequences, heads * d);
            r.kernels().attentionDecode(out, r.in(qkv, sequences, width), r.in(k, rows, kvHeads * d),
                    r.in(v, rows, kvHeads * d), batch.upload(r), heads, kvHeads, d);
            return new double[][] {r.get(out)};
        }, results -> assertStored(expected.out(), expected.bound(), results[0], 4e-6, 4e-6, "out"));
    }

    /** A sequence's result has the same bits alone and in company, whatever the others share with it. */
    @ParameterizedTest
    @CsvSource({"4, 2, 32", "4, 2, 64", "7, 1, 128"})
    void decodeDoesNotDependOnTheBatch(int heads, int kvHeads, int d) {
        int sequences = 25; // enough for a block to do all of a sequence's keys, where one alone has several blocks
        int[][] segments = new int[sequences][];
        for (int s = 0; s < sequences; s++) {
            segments[s] = new int[] {s, 1, 0, s < 7 ? 300 : 5, 300 + 40 * s, 40 - s};
        }
        int width = (heads + 2 * kvHeads) * d;
        int rows = 300 + 40 * sequences;
        float[] qkv = gaussian(1, sequences * width);
        float[] k = gaussian(2, rows * kvHeads * d);
        float[] v = gaussian(3, rows * kvHeads * d);
        runAligned(r -> {
            Tensor keys = r.in(k, rows, kvHeads * d);
            Tensor values = r.in(v, rows, kvHeads * d);
            Tensor all = r.out(sequences, heads * d);
            Batch together = new Batch(sequences, segments, new int[] {0, sequences});
            r.kernels().attentionDecode(all, r.in(qkv, sequences, width), keys, values, together.upload(r), heads,
                    kvHeads, d);
            for (int s = 1; s < sequences; s += 7) {
                int[] segment = segments[s].clone();
                segment[0] = 0;
                Tensor one = r.out(1, heads * d);
                r.kernels().attentionDecode(one, r.in(Arrays.copyOfRange(qkv, s * width, (s + 1) * width), 1, width),
                        keys, values, new Batch(1, new int[][] {segment}, new int[] {0, 1}).upload(r), heads, kvHeads,
                        d);
                assertClose(r.get(all.slice((long) s * heads * d, 1, heads * d)), r.get(one), 0, 0, "sequence " + s);
            }
            return new double[][] {r.get(all)};
        });
    }

    /** Several new tokens behind a cached beginning: k_len > q_len > 1. */
    @ParameterizedTest
    @CsvSource({"4, 2, 16", "3, 1, 64", "6, 2, 128"})
    void decodeOfSeveralTokens(int heads, int kvHeads, int d) {
        int[][] segments = {{0, 5, 0, 0, 10, 25}, {5, 3, 0, 10, 40, 3}, {8, 2, 0, 0, 50, 9}, {10, 20, 0, 70, 50, 90}};
        int tokens = 30;
        int rows = 140;
        Batch batch = new Batch(tokens, segments, new int[] {0, 4});
        int width = (heads + 2 * kvHeads) * d;
        float[] qkv = gaussian(1, tokens * width);
        float[] k = gaussian(2, rows * kvHeads * d);
        float[] v = gaussian(3, rows * kvHeads * d);
        var expected = new AttentionOracle(heads, kvHeads, d, segments)
                .forward(widen(qkv), width, widen(k), 0, widen(v), 0, kvHeads * d);
        check(r -> {
            Tensor out = r.out(tokens, heads * d);
            r.kernels().attentionDecode(out, r.in(qkv, tokens, width), r.in(k, rows, kvHeads * d),
                    r.in(v, rows, kvHeads * d), batch.upload(r), heads, kvHeads, d);
            return new double[][] {r.get(out)};
        }, results -> assertStored(expected.out(), expected.bound(), results[0], 4e-6, 4e-6, "out"));
    }

    @ParameterizedTest
    @CsvSource({
        "one token, 1, 1, 2", "one token, 4, 2, 32", "one token, 6, 1, 128", "one sequence, 1, 1, 8",
        "one sequence, 4, 2, 32", "one sequence, 14, 2, 64", "one sequence, 5, 1, 80", "one sequence, 3, 1, 256",
        "ragged, 4, 2, 32", "ragged, 6, 3, 10", "ragged, 6, 2, 64", "siblings, 4, 2, 32", "siblings, 4, 1, 64",
        "siblings, 3, 3, 18", "siblings, 8, 1, 128", "parts, 4, 2, 16", "parts, 2, 1, 64", "parts, 3, 1, 128",
        "long, 2, 1, 128", "long, 1, 1, 64", "long prompt, 4, 2, 32", "long prompt, 5, 1, 64"})
    void backward(String name, int heads, int kvHeads, int d) {
        Batch batch = batch(name);
        int t = batch.tokens();
        int width = (heads + 2 * kvHeads) * d;
        float[] qkv = gaussian(1, t * width);
        float[] dout = gaussian(2, t * heads * d);
        var expected = new AttentionOracle(heads, kvHeads, d, batch.segments()).backward(widen(dout), widen(qkv));
        check(r -> forwardAndBackward(r, batch, qkv, dout, heads, kvHeads, d),
                results -> assertStored(expected.d(), expected.bound(), results[1], 1e-5, 1e-5, "dqkv"));
    }
}
