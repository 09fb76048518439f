package intuitor.device;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Reductions over rows of logits, and the draw of a token, in double precision. */
final class VocabOracle {

    private VocabOracle() {
    }

    /** What {@code vocab_reduce} gives for one row. */
    record Stats(double lse, double logprob, double entropy, double selfCertainty, int argmax) {
    }

    static Stats stats(double[] z, int target, double temperature, double certaintyTemperature) {
        double lse = logSumExp(z, temperature);
        double entropy = 0;
        int argmax = 0;
        for (int j = 0; j < z.length; j++) {
            double logp = z[j] / temperature - lse;
            entropy -= logp == Double.NEGATIVE_INFINITY ? 0 : Math.exp(logp) * logp;
            argmax = z[j] > z[argmax] ? j : argmax;
        }
        double mean = 0;
        for (double logit : z) {
            mean += logit / certaintyTemperature / z.length;
        }
        double certainty = logSumExp(z, certaintyTemperature) - mean - Math.log(z.length);
        return new Stats(lse, z[target] / temperature - lse, entropy, certainty, argmax);
    }

    private static double logSumExp(double[] z, double temperature) {
        double highest = Double.NEGATIVE_INFINITY;
        for (double logit : z) {
            highest = Math.max(highest, logit / temperature);
        }
        double sum = 0;
        for (double logit : z) {
            sum += Math.exp(logit / temperature - highest);
        }
        return highest + Math.log(sum);
    }

    /** d (coefficient * logprob of the target) / dz. */
    static double[] logprobBackward(double[] z, int target, double coefficient, double temperature) {
        double lse = logSumExp(z, temperature);
        double[] d = new double[z.length];
        for (int j = 0; j < z.length; j++) {
            d[j] = coefficient / temperature * ((j == target ? 1 : 0) - Math.exp(z[j] / temperature - lse));
        }
        return d;
    }

    /**
     * Which tokens remain: the topK largest logits, of those the smallest set of likeliest ones that reaches topP of
     * their probability, of those the ones at least minP as likely as the likeliest; equal logits stay together.
     */
    static boolean[] kept(double[] z, Sampling s) {
        int valid = s.validVocab();
        List<Integer> ids = new ArrayList<>();
        for (int j = 0; j < valid; j++) {
            ids.add(j);
        }
        ids.sort(Comparator.comparingDouble((Integer j) -> -z[j]));
        double threshold = Double.NEGATIVE_INFINITY;
        if (s.topK() > 0 && s.topK() < valid) {
            threshold = z[ids.get(s.topK() - 1)];
        }
        double highest = z[ids.getFirst()];
        if (s.topP() < 1) {
            double floor = threshold;
            double total = ids.stream().filter(j -> z[j] >= floor)
                    .mapToDouble(j -> Math.exp((z[j] - highest) / s.temperature())).sum();
            double sum = 0;
            for (int j : ids) {
                sum += Math.exp((z[j] - highest) / s.temperature());
                if (sum >= (float) s.topP() * total) {
                    threshold = Math.max(threshold, z[j]);
                    break;
                }
            }
        }
        if (s.minP() > 0) {
            threshold = Math.max(threshold, highest + s.temperature() * Math.log((float) s.minP()));
        }
        boolean[] kept = new boolean[z.length];
        for (int j = 0; j < valid; j++) {
            kept[j] = z[j] >= threshold && z[j] > Double.NEGATIVE_INFINITY;
        }
        return kept;
    }

    /** z / temperature + Gumbel noise of the tokens that remain, -inf for the others; the largest is drawn. */
    static double[] scores(double[] z, Sampling s, long sequence, int position) {
        boolean[] kept = kept(z, s);
        double[] scores = new double[z.length];
        for (int j = 0; j < z.length; j++) {
            scores[j] = kept[j] ? z[j] / s.temperature() + gumbel(s.seed(), sequence, position, j)
                    : Double.NEGATIVE_INFINITY;
        }
        return scores;
    }

    /** -ln(-ln u), u = (upper 24 bits of the random word + 1/2) / 2^24. */
    static double gumbel(long seed, long sequence, int position, int id) {
        int[] words = philox(new int[] {id / 4, position, (int) sequence, (int) (sequence >>> 32)},
                new int[] {(int) seed, (int) (seed >>> 32)});
        double u = ((words[id % 4] >>> 8) + 0.5) / (1 << 24);
        return -Math.log(-Math.log(u));
    }

    /** Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). */
    static int[] philox(int[] counter, int[] key) {
        int[] c = counter.clone();
        int k0 = key[0];
        int k1 = key[1];
        for (int round = 0; round < 10; round++) {
            long product0 = (c[0] & 0xffffffffL) * 0xd2511f53L;
            long product1 = (c[2] & 0xffffffffL) * 0xcd9e8d57L;
            c = new int[] {(int) (product1 >>> 32) ^ c[1] ^ k0, (int) product1,
                (int) (product0 >>> 32) ^ c[3] ^ k1, (int) product0};
            k0 += 0x9e3779b9;
            k1 += 0xbb67ae85;
        }
        return c;
    }
}
