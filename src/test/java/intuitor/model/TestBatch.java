package intuitor.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** What tests of a whole model train on: a group of siblings, one of them a single token, between two sequences. */
record TestBatch(int[] first, int[] prompt, List<int[]> completions, int[] last) {

    static TestBatch random(TestModel m) {
        Random random = new Random(11);
        return new TestBatch(m.tokens(random, 19), m.tokens(random, 7),
                List.of(m.tokens(random, 9), m.tokens(random, 1), m.tokens(random, 14), m.tokens(random, 2)),
                m.tokens(random, 33));
    }

    PackedBatch shared() {
        return PackedBatch.builder().sequence(first).group(prompt, completions).sequence(last).build();
    }

    PackedBatch unshared() {
        PackedBatch.Builder builder = PackedBatch.builder().sequence(first);
        completions.forEach(c -> builder.group(prompt, List.of(c)));
        return builder.sequence(last).build();
    }

    /** The sequences in full. */
    List<int[]> sequences() {
        List<int[]> all = new ArrayList<>(List.of(first));
        completions.forEach(c -> all.add(concat(prompt, c)));
        all.add(last);
        return all;
    }

    /** Of each of them, how many tokens are not scored. */
    List<Integer> unscored() {
        List<Integer> all = new ArrayList<>(List.of(1));
        completions.forEach(c -> all.add(prompt.length));
        all.add(1);
        return all;
    }

    /** For the loss sum of coefficient times log-probability of the scored tokens. */
    double[] coefficients() {
        return new Random(3).doubles(shared().scored(), -1, 1).toArray();
    }

    private static int[] concat(int[] a, int[] b) {
        return IntStream.concat(Arrays.stream(a), Arrays.stream(b)).toArray();
    }
}
