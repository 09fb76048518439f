package intuitor.device;

import static intuitor.device.KernelRun.gaussian;
import static intuitor.device.KernelRun.run;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The end of a step of decoding, several of them one after the other, against the same by the host. */
class DecodeAdvanceKernelTest {

    private static final int VOCAB = 50;

    /** Sequences in the middle of their completions, each with its own pages of a shuffled cache. */
    private static final class State {

        final int pageSize;
        final int steps;
        final int[] ids;
        final int[] positions;
        final int[] cacheRows;
        final int[] segments;
        final int[] drawPositions;
        final int[] pages;
        final int[] drawn;
        final int[] limit;
        final int[] log;
        final int[] stopTokens;

        State(int n, int steps, int pageSize, int stops) {
            this.pageSize = pageSize;
            this.steps = steps;
            Random random = new Random(n);
            int each = 2 + (4 + steps) / pageSize; // pages of a sequence
            ids = random.ints(n, 0, VOCAB).toArray();
            positions = random.ints(n, 0, 1000).toArray();
            cacheRows = random.ints(n, 0, 1000).toArray();
            segments = new int[n * Segments.WIDTH];
            drawPositions = random.ints(n, 0, 1000).toArray();
            drawn = new int[n];
            limit = random.ints(n, 0, steps + 1).toArray();
            pages = IntStream.range(0, n * each).map(i -> n * each - 1 - i).toArray();
            for (int i = 0; i < n; i++) {
                System.arraycopy(new int[] {i, 1, 0, 0, i * each * pageSize, 1 + random.nextInt(4)}, 0, segments,
                        i * Segments.WIDTH, Segments.WIDTH);
            }
            log = new int[steps * n * DecodeProgress.WIDTH];
            Arrays.fill(log, -1); // as new memory is under Checks
            stopTokens = random.ints(stops, 0, VOCAB).toArray();
        }

        /** What the ABI says. */
        void advance(int[] token, float[][] stats) {
            int n = ids.length;
            for (int i = 0; i < n; i++) {
                if (drawn[i] == limit[i]) {
                    continue;
                }
                int at = (drawn[i]++ * n + i) * DecodeProgress.WIDTH;
                log[at] = token[i];
                for (int k = 0; k < 3; k++) {
                    log[at + 1 + k] = Float.floatToRawIntBits(stats[k][i]);
                }
                int chosen = token[i];
                if (Arrays.stream(stopTokens).anyMatch(s -> s == chosen)) {
                    limit[i] = drawn[i];
                }
                if (drawn[i] < limit[i]) {
                    ids[i] = token[i];
                    positions[i]++;
                    drawPositions[i]++;
                    int length = ++segments[i * Segments.WIDTH + 5];
                    int row = segments[i * Segments.WIDTH + 4] + length - 1;
                    cacheRows[i] = pages[row / pageSize] * pageSize + row % pageSize;
                }
            }
        }

        double[][] values() {
            return new double[][] {wide(ids), wide(positions), wide(cacheRows), wide(segments), wide(drawPositions),
                wide(pages), wide(drawn), wide(limit), wide(log), wide(stopTokens)};
        }

        private static double[] wide(int[] values) {
            return Arrays.stream(values).asDoubleStream().toArray();
        }
    }

    private record OnDevice(DecodeInputs inputs, DecodeProgress progress) {

        static OnDevice of(KernelRun r, State s) {
            int n = s.ids.length;
            Segments segments = new Segments(r.inOut(s.segments, n, Segments.WIDTH), null, n, 0, 1, 0, null);
            return new OnDevice(new DecodeInputs(r.inOut(s.ids, n), r.inOut(s.positions, n), r.inOut(s.cacheRows, n),
                    segments, new PageTable(r.inOut(s.pages, s.pages.length), s.pageSize)),
                    new DecodeProgress(r.inOut(s.drawPositions, n), r.inOut(s.drawn, n), r.inOut(s.limit, n),
                            r.inOut(s.log, s.steps, n, DecodeProgress.WIDTH),
                            r.inOut(s.stopTokens, s.stopTokens.length)));
        }

        double[][] values(KernelRun r) {
            return new double[][] {r.get(inputs.tokens()), r.get(inputs.positions()), r.get(inputs.cacheRows()),
                r.get(inputs.segments().segments()), r.get(progress.drawPositions()), r.get(inputs.pages().pages()),
                r.get(progress.drawn()), r.get(progress.limit()), r.get(progress.log()),
                r.get(progress.stopTokens())};
        }
    }

    /** Columns: sequences, steps, page size, stop tokens. */
    @ParameterizedTest
    @CsvSource({"1,1,1,0", "1,5,16,1", "3,0,4,2", "7,6,1,3", "32,9,3,0", "127,4,16,5", "128,4,16,5", "300,16,16,2",
        "0,3,16,1"})
    void stepsOnTheDeviceAreThoseOfTheHost(int n, int steps, int pageSize, int stops) {
        int[][] tokens = IntStream.range(0, steps + 2).mapToObj(k -> new Random(k).ints(n, 0, VOCAB).toArray())
                .toArray(int[][]::new);
        float[][][] stats = IntStream.range(0, steps + 2).mapToObj(k -> new float[][] {gaussian(3 * k, n),
            gaussian(3 * k + 1, n), gaussian(3 * k + 2, n)}).toArray(float[][][]::new);
        double[][] results = run(r -> {
            OnDevice state = OnDevice.of(r, new State(n, steps, pageSize, stops));
            for (int k = 0; k < steps + 2; k++) { // the last ones find that all have ended
                r.kernels().decodeAdvance(state.inputs(), state.progress(), r.in(tokens[k]), new VocabStats(null,
                        r.inF32(stats[k][0], n), r.inF32(stats[k][1], n), r.inF32(stats[k][2], n), null));
            }
            return state.values(r);
        });
        State expected = new State(n, steps, pageSize, stops);
        for (int k = 0; k < steps + 2; k++) {
            expected.advance(tokens[k], stats[k]);
        }
        assertArrayEquals(expected.drawn, expected.limit);
        double[][] values = expected.values();
        for (int i = 0; i < values.length; i++) {
            assertArrayEquals(values[i], results[i], "array " + i);
        }
    }

    /** Three tokens more take the last three rows of the table: they fit, and from one row further on they do not. */
    @Test
    void aStepBeyondThePageTableIsRefusedUnderChecks() {
        State s = new State(2, 3, 4, 0);
        s.limit[1] = 3;
        s.segments[Segments.WIDTH + 4] = s.pages.length * s.pageSize - 3;
        s.segments[Segments.WIDTH + 5] = 1;
        run(r -> advance(r, s));
        s.segments[Segments.WIDTH + 5] = 2;
        String message = assertThrows(IllegalArgumentException.class, () -> run(r -> advance(r, s))).getMessage();
        assertTrue(message.contains("sequence 1 may come to row"), message);
    }

    private static double[][] advance(KernelRun r, State s) {
        int n = s.ids.length;
        OnDevice state = OnDevice.of(r, s);
        r.kernels().decodeAdvance(state.inputs(), state.progress(), r.in(new int[n]), new VocabStats(null,
                r.inF32(new float[n], n), r.inF32(new float[n], n), r.inF32(new float[n], n), null));
        return state.values(r);
    }
}
