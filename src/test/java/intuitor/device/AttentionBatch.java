package intuitor.device;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A packed batch for attention's tests: prompts, each followed by the completions that share it.
 *
 * @param tokens   T
 * @param segments [S][6]: q_start, q_len, prefix_start, prefix_len, k_start, k_len
 * @param families first segment of each family, and last their number
 */
record AttentionBatch(int tokens, int[][] segments, int[] families) {

    /** lengths: of a prompt and its completions, a row a family. */
    static AttentionBatch of(int[]... lengths) {
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
        return new AttentionBatch(at, segments.toArray(int[][]::new), families);
    }

    /** Batches by name, for parameterised tests. */
    static AttentionBatch named(String name) {
        return switch (name) {
            case "one token" -> of(new int[] {1});
            case "one sequence" -> of(new int[] {37});
            case "long" -> of(new int[] {300});
            case "ragged" -> of(new int[] {1}, new int[] {16}, new int[] {5}, new int[] {33}, new int[] {64},
                    new int[] {17});
            case "siblings" -> of(new int[] {9, 12, 1, 31, 16}, new int[] {21}, new int[] {1, 1, 2});
            // tiles of 128 keys filled and passed by one, in prefixes and behind them
            case "edges" -> of(new int[] {128, 1, 129}, new int[] {127, 128});
            case "longer" -> of(new int[] {700});
            case "long prompt" -> of(new int[] {130, 3, 70});
            // siblings that see the middle of the prompt, nothing of it, and its end
            case "parts" -> new AttentionBatch(109, new int[][] {
                {0, 80, 0, 0, 0, 80}, {80, 7, 7, 66, 80, 7}, {87, 9, 0, 0, 87, 9}, {96, 13, 66, 14, 96, 13}},
                    new int[] {0, 4});
            // tokens that go on after keys of their own that others computed: k_len > q_len
            case "continued" -> new AttentionBatch(66, new int[][] {
                {0, 20, 0, 0, 0, 20}, {20, 5, 0, 0, 0, 25}, {25, 8, 3, 7, 20, 13}, {33, 33, 0, 33, 30, 36}},
                    new int[] {0, 4});
            default -> throw new IllegalArgumentException(name);
        };
    }

    Segments upload(Arena arena) {
        int maxQ = Arrays.stream(segments).mapToInt(s -> s[1]).max().orElse(0);
        int maxK = Arrays.stream(segments).mapToInt(s -> s[3] + s[5]).max().orElse(0);
        int[] flat = Arrays.stream(segments).flatMapToInt(Arrays::stream).toArray();
        return new Segments(arena.upload("segments", flat).view(segments.length, Segments.WIDTH),
                arena.upload("families", families), segments.length, families.length - 1, maxQ, maxK, null);
    }
}
