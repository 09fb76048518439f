package intuitor.device;

import static intuitor.device.KernelRun.assertClose;
import static intuitor.device.KernelRun.gaussian;
import static intuitor.device.KernelRun.run;
import static intuitor.device.KernelRun.widen;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
                    families.length - 1, maxQ, maxK);
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
            default -> throw new IllegalArgumentException(name);
        };
    }

    @ParameterizedTest
    @CsvSource({
        "one token, 1, 1, 2", "one token, 4, 2, 32", "one sequence, 1, 1, 8", "one sequence, 4, 2, 32",
        "one sequence, 14, 2, 64", "ragged, 4, 2, 32", "ragged, 6, 3, 10", "siblings, 4, 2, 32", "siblings, 4, 1, 64",
        "siblings, 3, 3, 18", "long, 2, 1, 128", "long prompt, 4, 2, 32"})
    void forward(String name, int heads, int kvHeads, int d) {
        Batch batch = batch(name);
        int width = (heads + 2 * kvHeads) * d;
        float[] qkv = gaussian(1, batch.tokens() * width);
        double[][] results = run(r -> {
            Tensor out = r.out(batch.tokens(), heads * d);
            Tensor lse = r.out(batch.tokens(), heads);
            r.kernels().attentionForward(out, lse, r.in(qkv, batch.tokens(), width), batch.upload(r), heads, kvHeads,
                    d);
            Tensor withoutLse = r.out(batch.tokens(), heads * d);
            r.kernels().attentionForward(withoutLse, null, r.in(qkv, batch.tokens(), width), batch.upload(r), heads,
                    kvHeads, d);
            return new double[][] {r.get(out), r.get(lse), r.get(withoutLse)};
        });
        var expected = new AttentionOracle(heads, kvHeads, d, batch.segments()).forward(widen(qkv));
        assertClose(expected.out(), results[0], 4e-6, 4e-6, "out");
        assertClose(expected.lse(), results[1], 2e-6, 4e-6, "lse");
        assertClose(results[0], results[2], 0, 0, "out without lse");
    }

    /** Scores in the thousands: only the largest counts, nothing overflows. */
    @Test
    void hugeScores() {
        Batch batch = batch("siblings");
        float[] qkv = gaussian(1, batch.tokens() * 8 * 16);
        for (int i = 0; i < qkv.length; i++) {
            qkv[i] *= i % 128 < 96 ? 64 : 1;
        }
        double[][] results = run(r -> {
            Tensor out = r.out(batch.tokens(), 64);
            Tensor lse = r.out(batch.tokens(), 4);
            r.kernels().attentionForward(out, lse, r.in(qkv, batch.tokens(), 128), batch.upload(r), 4, 2, 16);
            return new double[][] {r.get(out), r.get(lse)};
        });
        var expected = new AttentionOracle(4, 2, 16, batch.segments()).forward(widen(qkv));
        assertClose(expected.out(), results[0], 1e-2, 1e-2, "out"); // fp32 scores near 1e4 are 1e-3 apart
        assertClose(expected.lse(), results[1], 1e-6, 1e-3, "lse");
    }

    /** One new token a sequence, over cache rows of its own and of a prompt shared with its siblings. */
    @ParameterizedTest
    @CsvSource({"1,1,1,2", "7,4,2,32", "130,4,2,32", "9,14,2,64", "5,6,3,10", "3,8,1,128"})
    void decode(int sequences, int heads, int kvHeads, int d) {
        Random random = new Random(sequences);
        int prompt = 40;
        int room = 75; // rows of each sequence
        int rows = prompt + sequences * room;
        int[][] segments = new int[sequences][];
        for (int s = 0; s < sequences; s++) {
            boolean sibling = s % 3 != 0;
            segments[s] = new int[] {s, 1, 0, sibling ? prompt : 0, prompt + s * room, 1 + random.nextInt(room)};
        }
        int width = (heads + 2 * kvHeads) * d;
        float[] qkv = gaussian(1, sequences * width);
        float[] k = gaussian(2, rows * kvHeads * d);
        float[] v = gaussian(3, rows * kvHeads * d);
        int[] families = {0, sequences};
        Batch batch = new Batch(sequences, segments, families);
        double[][] results = run(r -> {
            Tensor out = r.out(sequences, heads * d);
            r.kernels().attentionDecode(out, r.in(qkv, sequences, width), r.in(k, rows, kvHeads * d),
                    r.in(v, rows, kvHeads * d), batch.upload(r), heads, kvHeads, d);
            return new double[][] {r.get(out)};
        });
        var expected = new AttentionOracle(heads, kvHeads, d, segments)
                .forward(widen(qkv), width, widen(k), 0, widen(v), 0, kvHeads * d);
        assertClose(expected.out(), results[0], 4e-6, 4e-6, "out");
    }

    /** Several new tokens behind a cached beginning: k_len > q_len > 1. */
    @Test
    void decodeOfSeveralTokens() {
        int[][] segments = {{0, 5, 0, 0, 10, 25}, {5, 3, 0, 10, 40, 3}, {8, 2, 0, 0, 50, 9}};
        Batch batch = new Batch(10, segments, new int[] {0, 3});
        float[] qkv = gaussian(1, 10 * 8 * 16);
        float[] k = gaussian(2, 60 * 32);
        float[] v = gaussian(3, 60 * 32);
        double[][] results = run(r -> {
            Tensor out = r.out(10, 64);
            r.kernels().attentionDecode(out, r.in(qkv, 10, 128), r.in(k, 60, 32), r.in(v, 60, 32), batch.upload(r), 4,
                    2, 16);
            return new double[][] {r.get(out)};
        });
        var expected = new AttentionOracle(4, 2, 16, segments)
                .forward(widen(qkv), 128, widen(k), 0, widen(v), 0, 32);
        assertClose(expected.out(), results[0], 4e-6, 4e-6, "out");
    }

    @ParameterizedTest
    @CsvSource({
        "one token, 1, 1, 2", "one token, 4, 2, 32", "one sequence, 1, 1, 8", "one sequence, 4, 2, 32",
        "one sequence, 14, 2, 64", "ragged, 4, 2, 32", "ragged, 6, 3, 10", "siblings, 4, 2, 32", "siblings, 4, 1, 64",
        "siblings, 3, 3, 18", "long, 2, 1, 128", "long prompt, 4, 2, 32"})
    void backward(String name, int heads, int kvHeads, int d) {
        Batch batch = batch(name);
        int t = batch.tokens();
        int width = (heads + 2 * kvHeads) * d;
        float[] qkv = gaussian(1, t * width);
        float[] dout = gaussian(2, t * heads * d);
        double[][] results = run(r -> {
            Segments segments = batch.upload(r);
            Tensor input = r.in(qkv, t, width);
            Tensor out = r.out(t, heads * d);
            Tensor lse = r.out(t, heads);
            r.kernels().attentionForward(out, lse, input, segments, heads, kvHeads, d);
            Tensor dqkv = r.out(t, width);
            r.kernels().attentionBackward(dqkv, r.out(t, heads), r.in(dout, t, heads * d), input, out, lse, segments,
                    heads, kvHeads, d);
            return new double[][] {r.get(dqkv)};
        });
        double[] expected = new AttentionOracle(heads, kvHeads, d, batch.segments()).backward(widen(dout), widen(qkv));
        assertClose(expected, results[0], 1e-5, 1e-5, "dqkv");
    }
}
