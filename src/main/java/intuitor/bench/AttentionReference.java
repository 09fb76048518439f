package intuitor.bench;

import java.util.Arrays;

/** Attention of one sequence in double precision, a query and head at a time: slow, for a few of them. */
final class AttentionReference {

    private final double[][] queries; // [L] of [Hq D]
    private final double[][] keys;    // [L] of [Hkv D]
    private final double[][] values;
    private final int heads;
    private final int kvHeads;
    private final int d;

    AttentionReference(double[][] queries, double[][] keys, double[][] values, int heads, int kvHeads, int d) {
        this.queries = queries;
        this.keys = keys;
        this.values = values;
        this.heads = heads;
        this.kvHeads = kvHeads;
        this.d = d;
    }

    /** Of packed rows [L, (Hq + 2 Hkv) D]. */
    static AttentionReference packed(double[] qkv, int heads, int kvHeads, int d) {
        int width = (heads + 2 * kvHeads) * d;
        int length = qkv.length / width;
        double[][] q = new double[length][];
        double[][] k = new double[length][];
        double[][] v = new double[length][];
        for (int i = 0; i < length; i++) {
            int row = i * width;
            q[i] = Arrays.copyOfRange(qkv, row, row + heads * d);
            k[i] = Arrays.copyOfRange(qkv, row + heads * d, row + (heads + kvHeads) * d);
            v[i] = Arrays.copyOfRange(qkv, row + (heads + kvHeads) * d, row + width);
        }
        return new AttentionReference(q, k, v, heads, kvHeads, d);
    }

    int length() {
        return keys.length;
    }

    /** Output [D] of a query that sees the keys up to its own. */
    double[] out(int query, int head) {
        return out(queries[query], head, query + 1);
    }

    /** Output [D] of a row of queries that sees the first {@code seen} keys. */
    double[] out(double[] query, int head, int seen) {
        double[] p = probabilities(query, head, seen);
        double[] out = new double[d];
        for (int j = 0; j < seen; j++) {
            add(out, p[j], values[j], kv(head));
        }
        return out;
    }

    /** Logarithm of the sum of the exponentials of a query's scaled scores. */
    double lse(int query, int head) {
        double[] scores = scores(queries[query], head, query + 1);
        double max = Arrays.stream(scores).max().orElseThrow();
        return max + Math.log(Arrays.stream(scores).map(s -> Math.exp(s - max)).sum());
    }

    /**
     * Gradients of queries, keys and values of the last {@code count} rows, which no earlier query sees: those of one
     * key-value head and its queries' heads.
     *
     * @param dout gradient of the output of these rows [count] of [Hq D]
     * @return [3][count]: of the group's queries [Hq / Hkv D], of the key [D], of the value [D]
     */
    double[][][] gradients(double[][] dout, int kvHead) {
        int count = dout.length;
        int group = heads / kvHeads;
        double[][][] gradients = {new double[count][group * d], new double[count][d], new double[count][d]};
        for (int r = 0; r < count; r++) {
            for (int g = 0; g < group; g++) {
                addGradients(gradients, dout, r, g, kvHead * group + g);
            }
        }
        return gradients;
    }

    private void addGradients(double[][][] gradients, double[][] dout, int r, int g, int head) {
        int first = length() - dout.length;
        int seen = first + r + 1;
        double[] query = queries[first + r];
        double[] p = probabilities(query, head, seen);
        double[] dp = new double[seen];
        double delta = 0;
        for (int j = 0; j < seen; j++) {
            dp[j] = dot(dout[r], head * d, values[j], kv(head));
            delta += p[j] * dp[j];
        }
        double[] dq = new double[d];
        for (int j = 0; j < seen; j++) {
            double ds = p[j] * (dp[j] - delta) / Math.sqrt(d);
            add(dq, ds, keys[j], kv(head));
            if (j >= first) {
                add(gradients[1][j - first], ds, query, head * d);
                add(gradients[2][j - first], p[j], dout[r], head * d);
            }
        }
        System.arraycopy(dq, 0, gradients[0][r], g * d, d);
    }

    private double[] probabilities(double[] query, int head, int seen) {
        double[] p = scores(query, head, seen);
        double max = Arrays.stream(p).max().orElseThrow();
        double sum = 0;
        for (int j = 0; j < seen; j++) {
            p[j] = Math.exp(p[j] - max);
            sum += p[j];
        }
        for (int j = 0; j < seen; j++) {
            p[j] /= sum;
        }
        return p;
    }

    private double[] scores(double[] query, int head, int seen) {
        double[] scores = new double[seen];
        for (int j = 0; j < seen; j++) {
            scores[j] = dot(query, head * d, keys[j], kv(head)) / Math.sqrt(d);
        }
        return scores;
    }

    /** Where the head's keys begin in a row. */
    private int kv(int head) {
        return head / (heads / kvHeads) * d;
    }

    private double dot(double[] a, int fromA, double[] b, int fromB) {
        double sum = 0;
        for (int i = 0; i < d; i++) {
            sum += a[fromA + i] * b[fromB + i];
        }
        return sum;
    }

    /** to += factor from[at .. at + D) */
    private void add(double[] to, double factor, double[] from, int at) {
        for (int i = 0; i < d; i++) {
            to[i] += factor * from[at + i];
        }
    }
}
