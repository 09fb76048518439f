package intuitor.model;

import intuitor.device.Arena;
import intuitor.device.Segments;
import java.util.Arrays;
import java.util.List;

/**
 * Sequences of different lengths laid one after the other, without padding, as the rows of one batch (host side).
 *
 * <p>Only tokens that are an input take a row: the last token of a scored sequence is only a target. The completions of
 * one prompt form a group: the prompt is stored once, its completions follow, see it as their prefix, and their
 * positions go on after it, so that its rows are computed once, forward and backward.
 *
 * <pre>
 *   group(p0 p1 p2, {a0 a1 a2, b0 b1})     rows      p0 p1 p2 | a0 a1 | b0
 *                                          positions  0  1  2 |  3  4 |  3
 *                                          scored rows and targets, completion after completion:
 *                                            (p2, a0) (a0, a1) (a1, a2)   (p2, b0) (b0, b1)
 * </pre>
 *
 * Arrays are returned as they are and must not be written to.
 */
public final class PackedBatch {

    private final int[] tokens;
    private final int[] positions;
    private final int[] segments;
    private final int[] families;
    private final int[] scoredRows;
    private final int[] targets;
    private final int[] completionOffsets;
    private final int[] promptLastRows;

    private PackedBatch(Builder b) {
        tokens = b.tokens.toArray();
        positions = b.positions.toArray();
        segments = b.segments.toArray();
        families = Arrays.copyOf(b.families.toArray(), b.families.size() + 1);
        families[b.families.size()] = segmentCount();
        scoredRows = b.scoredRows.toArray();
        targets = b.targets.toArray();
        completionOffsets = b.completionOffsets.toArray();
        promptLastRows = b.promptLastRows.toArray();
    }

    public static Builder builder() {
        return new Builder();
    }

    /** T, rows of the batch. */
    public int rows() {
        return tokens.length;
    }

    /** Token of each row [T]. */
    public int[] tokens() {
        return tokens;
    }

    /** Position of each row in its sequence [T], from 0. */
    public int[] positions() {
        return positions;
    }

    /** N, number of scored tokens. */
    public int scored() {
        return targets.length;
    }

    /** The row whose hidden state predicts each scored token [N]; a prompt's last row is there for each completion. */
    public int[] scoredRows() {
        return scoredRows;
    }

    /** The scored tokens [N], completion after completion in the order they were added. */
    public int[] targets() {
        return targets;
    }

    /** Number of completions (a plain sequence counts as one). */
    public int completions() {
        return completionOffsets.length - 1;
    }

    /** Completion i owns the scored tokens completionOffsets[i] to completionOffsets[i + 1] - 1. */
    public int[] completionOffsets() {
        return completionOffsets;
    }

    /** The last row of each {@link Builder#prompt}, in order: the row that predicts its first new token. */
    public int[] promptLastRows() {
        return promptLastRows;
    }

    /** Length of the longest sequence: the largest position plus 1. */
    public int maxPositions() {
        int max = -1;
        for (int position : positions) {
            max = Math.max(max, position);
        }
        return max + 1;
    }

    int segmentCount() {
        return segments.length / Segments.WIDTH;
    }

    /** The segments as attention reads them, in device memory. */
    Segments uploadSegments(Arena arena) {
        int maxQ = 0;
        int maxK = 0;
        int[] starts = new int[segmentCount() + 1];
        boolean alone = true;
        for (int s = 0; s < segments.length; s += Segments.WIDTH) {
            maxQ = Math.max(maxQ, segments[s + 1]);
            maxK = Math.max(maxK, segments[s + 3] + segments[s + 5]);
            starts[s / Segments.WIDTH] = segments[s];
            alone &= segments[s + 3] == 0;
        }
        starts[segmentCount()] = rows();
        return new Segments(arena.upload("segments", segments).view(segmentCount(), Segments.WIDTH),
                arena.upload("families", families), segmentCount(), families.length - 1, maxQ, maxK,
                alone ? starts : null);
    }

    /** Collects sequences; each call adds one family of rows. */
    public static final class Builder {

        private final IntList tokens = new IntList();
        private final IntList positions = new IntList();
        private final IntList segments = new IntList();
        private final IntList families = new IntList();
        private final IntList scoredRows = new IntList();
        private final IntList targets = new IntList();
        private final IntList completionOffsets = new IntList();
        private final IntList promptLastRows = new IntList();

        private Builder() {
            completionOffsets.add(0);
        }

        /** A sequence of which every token but the first is scored: language modelling. At least 2 tokens. */
        public Builder sequence(int[] sequence) {
            if (sequence.length < 2) {
                throw new IllegalArgumentException("a scored sequence needs at least 2 tokens, not " + sequence.length);
            }
            return group(Arrays.copyOf(sequence, 1), List.of(Arrays.copyOfRange(sequence, 1, sequence.length)));
        }

        /** A prompt and its completions, of which every token is scored. None may be empty. */
        public Builder group(int[] prompt, List<int[]> completions) {
            requireTokens(prompt, "a prompt");
            if (completions.isEmpty()) {
                throw new IllegalArgumentException("a group needs at least one completion");
            }
            completions.forEach(c -> requireTokens(c, "a completion"));
            families.add(segments.size() / Segments.WIDTH);
            int promptStart = tokens.size();
            int promptEnd = promptStart + prompt.length;
            if (completions.size() == 1) {
                // nothing is shared: one causal segment of both
                int[] completion = completions.getFirst();
                int[] inputs = Arrays.copyOf(prompt, prompt.length + completion.length - 1);
                System.arraycopy(completion, 0, inputs, prompt.length, completion.length - 1);
                segment(inputs, 0, 0, 0);
                score(completion, promptEnd - 1, promptEnd);
                return this;
            }
            segment(prompt, 0, 0, 0);
            for (int[] completion : completions) {
                int start = tokens.size();
                if (completion.length > 1) {
                    int[] inputs = Arrays.copyOf(completion, completion.length - 1);
                    segment(inputs, prompt.length, promptStart, prompt.length);
                }
                score(completion, promptEnd - 1, start);
            }
            return this;
        }

        /** A sequence of which nothing is scored and every token takes a row: the prefill of generation. */
        public Builder prompt(int[] prompt) {
            return prompt(prompt, List.of());
        }

        /** The same, followed by the beginnings of completions that see it as their prefix; they may be empty. */
        public Builder prompt(int[] prompt, List<int[]> begun) {
            requireTokens(prompt, "a prompt");
            families.add(segments.size() / Segments.WIDTH);
            int start = tokens.size();
            segment(prompt, 0, 0, 0);
            promptLastRows.add(tokens.size() - 1);
            for (int[] completion : begun) {
                if (completion.length > 0) {
                    segment(completion, prompt.length, start, prompt.length);
                }
            }
            return this;
        }

        /** Rows so far, for callers that fill batches up to a number of tokens. */
        public int rows() {
            return tokens.size();
        }

        public PackedBatch build() {
            if (tokens.size() == 0) {
                throw new IllegalStateException("the batch is empty");
            }
            return new PackedBatch(this);
        }

        private static void requireTokens(int[] ids, String what) {
            if (ids.length == 0) {
                throw new IllegalArgumentException(what + " must have at least one token");
            }
        }

        private void segment(int[] inputs, int firstPosition, int prefixStart, int prefixLength) {
            int start = tokens.size();
            segments.add(start, inputs.length, prefixStart, prefixLength, start, inputs.length);
            for (int i = 0; i < inputs.length; i++) {
                tokens.add(inputs[i]);
                positions.add(firstPosition + i);
            }
        }

        /** The first token is predicted by firstRow, the following ones by the rows from nextRow on. */
        private void score(int[] completion, int firstRow, int nextRow) {
            for (int i = 0; i < completion.length; i++) {
                scoredRows.add(i == 0 ? firstRow : nextRow + i - 1);
                targets.add(completion[i]);
            }
            completionOffsets.add(targets.size());
        }
    }

    /** A growing int[]. */
    private static final class IntList {

        private int[] values = new int[64];
        private int size;

        void add(int... added) {
            if (size + added.length > values.length) {
                values = Arrays.copyOf(values, Math.max(2 * values.length, size + added.length));
            }
            System.arraycopy(added, 0, values, size, added.length);
            size += added.length;
        }

        int size() {
            return size;
        }

        int[] toArray() {
            return Arrays.copyOf(values, size);
        }
    }
}
