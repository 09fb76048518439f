package intuitor.device;

/**
 * Attention over packed segments with shared prefixes ({@code it_segment}), in double precision, and how far results
 * may be from it if the factors of matrix products (probabilities, their gradients) are rounded to the storage type.
 *
 * @param segments [S][6]: q_start, q_len, prefix_start, prefix_len, k_start, k_len
 * @param storage  F32 or BF16
 */
record AttentionOracle(int heads, int kvHeads, int headDim, int[][] segments, DType storage) {

    /** Of tensors of the type that {@link KernelRun} makes. */
    AttentionOracle(int heads, int kvHeads, int headDim, int[][] segments) {
        this(heads, kvHeads, headDim, segments, KernelRun.STORAGE);
    }

    /** The relative error of one rounding to the storage type, with a little room; 0 for fp32. */
    double unit() {
        return storage == DType.F32 ? 0 : 0x1.02p-8;
    }

    /**
     * What attention leaves behind: out [T, heads headDim] and lse [T, heads].
     *
     * @param bound of each element of out, the error of a sum of p v whose p are rounded: unit sum p |v|
     */
    record Result(double[] out, double[] lse, double[] bound) {
    }

    /**
     * d qkv.
     *
     * @param bound of each element, the error of its sum if p, ds and the out in delta = dout . out are rounded
     */
    record Gradient(double[] d, double[] bound) {
    }

    private interface Pair {
        /** Query row, head and key row of an allowed pair. */
        void accept(int query, int head, int key);
    }

    /** Attention of a packed batch over itself. qkv [T, (heads + 2 kvHeads) headDim]. */
    Result forward(double[] qkv) {
        int stride = (heads + 2 * kvHeads) * headDim;
        return forward(qkv, stride, qkv, heads * headDim, qkv, (heads + kvHeads) * headDim, stride);
    }

    /** q rows of qStride elements; k and v rows of kvStride elements that begin at an offset. */
    Result forward(double[] q, int qStride, double[] k, int kOffset, double[] v, int vOffset, int kvStride) {
        int tokens = q.length / qStride;
        double[] out = new double[tokens * heads * headDim];
        double[] bound = new double[out.length];
        double[] lse = new double[tokens * heads];
        double[] highest = new double[lse.length];
        java.util.Arrays.fill(highest, Double.NEGATIVE_INFINITY);
        int group = heads / kvHeads;
        pairs((t, h, r) -> highest[t * heads + h] = Math.max(highest[t * heads + h],
                score(q, t * qStride + h * headDim, k, kOffset + r * kvStride + h / group * headDim)));
        pairs((t, h, r) -> lse[t * heads + h] += Math.exp(
                score(q, t * qStride + h * headDim, k, kOffset + r * kvStride + h / group * headDim)
                        - highest[t * heads + h]));
        for (int i = 0; i < lse.length; i++) {
            lse[i] = highest[i] + Math.log(lse[i]);
        }
        pairs((t, h, r) -> {
            double p = Math.exp(score(q, t * qStride + h * headDim, k,
                    kOffset + r * kvStride + h / group * headDim) - lse[t * heads + h]);
            for (int i = 0; i < headDim; i++) {
                double term = p * v[vOffset + r * kvStride + h / group * headDim + i];
                out[(t * heads + h) * headDim + i] += term;
                bound[(t * heads + h) * headDim + i] += unit() * Math.abs(term);
            }
        });
        return new Result(out, lse, bound);
    }

    /** d qkv of {@link #forward(double[])}: dp = dout v, ds = p (dp - sum p dp) / sqrt(D), dq = ds k, dk = ds q. */
    Gradient backward(double[] dout, double[] qkv) {
        int stride = (heads + 2 * kvHeads) * headDim;
        int kOffset = heads * headDim;
        int vOffset = (heads + kvHeads) * headDim;
        int group = heads / kvHeads;
        Result result = forward(qkv);
        double[] delta = new double[result.lse().length]; // sum_r p dp = dout . out
        double[] deltaBound = new double[delta.length]; // out was summed with rounded p, and rounded when it was stored
        for (int i = 0; i < dout.length; i++) {
            delta[i / headDim] += dout[i] * result.out()[i];
            deltaBound[i / headDim] += Math.abs(dout[i]) * (result.bound()[i] + unit() * Math.abs(result.out()[i]));
        }
        double[] d = new double[qkv.length];
        double[] bound = new double[qkv.length];
        double scale = 1 / Math.sqrt(headDim);
        pairs((t, h, r) -> {
            int q = t * stride + h * headDim;
            int k = kOffset + r * stride + h / group * headDim;
            int v = vOffset + r * stride + h / group * headDim;
            int o = (t * heads + h) * headDim;
            double p = Math.exp(score(qkv, q, qkv, k) - result.lse()[t * heads + h]);
            double dp = 0;
            for (int i = 0; i < headDim; i++) {
                dp += dout[o + i] * qkv[v + i];
            }
            double ds = p * (dp - delta[t * heads + h]) * scale;
            double dsBound = unit() * Math.abs(ds) + p * deltaBound[t * heads + h] * scale;
            for (int i = 0; i < headDim; i++) {
                d[q + i] += ds * qkv[k + i];
                d[k + i] += ds * qkv[q + i];
                d[v + i] += p * dout[o + i];
                bound[q + i] += dsBound * Math.abs(qkv[k + i]);
                bound[k + i] += dsBound * Math.abs(qkv[q + i]);
                bound[v + i] += unit() * p * Math.abs(dout[o + i]);
            }
        });
        return new Gradient(d, bound);
    }

    private double score(double[] q, int qAt, double[] k, int kAt) {
        double sum = 0;
        for (int i = 0; i < headDim; i++) {
            sum += q[qAt + i] * k[kAt + i];
        }
        return sum / Math.sqrt(headDim);
    }

    /** Every (query, head, key) that the segments allow. */
    private void pairs(Pair visitor) {
        for (int[] s : segments) {
            for (int i = 0; i < s[1]; i++) {
                for (int h = 0; h < heads; h++) {
                    for (int r = s[2]; r < s[2] + s[3]; r++) {
                        visitor.accept(s[0] + i, h, r);
                    }
                    for (int j = 0; j <= s[5] - s[1] + i; j++) {
                        visitor.accept(s[0] + i, h, s[4] + j);
                    }
                }
            }
        }
    }
}
