package intuitor.monitor;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/** Repeated and copied runs of tokens. */
final class NGrams {

    /** A run of tokens within a sequence, equal to any other with the same tokens. */
    private static final class Gram {
        private final int[] tokens;
        private final int from;
        private final int n;
        private final int hash;

        Gram(int[] tokens, int from, int n) {
            this.tokens = tokens;
            this.from = from;
            this.n = n;
            int h = 1;
            for (int i = from; i < from + n; i++) {
                h = 31 * h + tokens[i];
            }
            this.hash = h * 0x9E3779B9;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Gram g && Arrays.equals(tokens, from, from + n, g.tokens, g.from, g.from + g.n);
        }

        @Override
        public int hashCode() {
            return hash;
        }
    }

    private NGrams() { }

    /**
     * distinct-n (Li et al. 2016, arXiv 1510.03055): different n-grams over all n-grams of all sequences; NaN without
     * any.
     */
    static double distinct(List<int[]> sequences, int n) {
        Set<Gram> different = new HashSet<>();
        long all = 0;
        for (int[] tokens : sequences) {
            for (int i = 0; i + n <= tokens.length; i++) {
                different.add(new Gram(tokens, i, n));
                all++;
            }
        }
        return all == 0 ? Double.NaN : (double) different.size() / all;
    }

    /**
     * seq-rep-n (Welleck et al. 2020, arXiv 1908.04319): the part of a sequence's n-grams that it has had before, on
     * average over the sequences. One without n-grams repeats nothing.
     */
    static double repetition(List<int[]> sequences, int n) {
        double sum = 0;
        for (int[] tokens : sequences) {
            double distinct = distinct(List.of(tokens), n);
            sum += Double.isNaN(distinct) ? 0 : 1 - distinct;
        }
        return sequences.isEmpty() ? 0 : sum / sequences.size();
    }

    /** The part of all tokens that lie in an n-gram which stands in the source of their sequence as well. */
    static double copied(List<int[]> sequences, List<int[]> sources, int n) {
        long copied = 0;
        long all = 0;
        for (int s = 0; s < sequences.size(); s++) {
            Set<Gram> known = new HashSet<>();
            int[] source = sources.get(s);
            for (int i = 0; i + n <= source.length; i++) {
                known.add(new Gram(source, i, n));
            }
            int[] tokens = sequences.get(s);
            copied += covered(tokens, n, known::contains);
            all += tokens.length;
        }
        return all == 0 ? 0 : (double) copied / all;
    }

    /** The part of all tokens that lie in an n-gram which stands in a sequence of another group as well. */
    static double shared(List<List<int[]>> groups, int n) {
        Map<Gram, Integer> firstGroup = new HashMap<>();
        Set<Gram> shared = new HashSet<>();
        for (int g = 0; g < groups.size(); g++) {
            for (int[] tokens : groups.get(g)) {
                for (int i = 0; i + n <= tokens.length; i++) {
                    Gram gram = new Gram(tokens, i, n);
                    Integer first = firstGroup.putIfAbsent(gram, g);
                    if (first != null && first != g) {
                        shared.add(gram);
                    }
                }
            }
        }
        long copied = 0;
        long all = 0;
        for (List<int[]> group : groups) {
            for (int[] tokens : group) {
                copied += covered(tokens, n, shared::contains);
                all += tokens.length;
            }
        }
        return all == 0 ? 0 : (double) copied / all;
    }

    /** Tokens of a sequence that lie in at least one of the wanted n-grams. */
    private static int covered(int[] tokens, int n, Predicate<Gram> wanted) {
        int covered = 0;
        int end = 0;
        for (int i = 0; i + n <= tokens.length; i++) {
            if (wanted.test(new Gram(tokens, i, n))) {
                covered += i + n - Math.max(i, end);
                end = i + n;
            }
        }
        return covered;
    }
}
