package intuitor.bench;

import intuitor.device.Tensor;

/** The kernels of a decoder layer in double precision, on a few rows; each method gives the error of what it names. */
final class LayerReference {

    private final Inputs in;

    LayerReference(Inputs in) {
        this.in = in;
    }

    private double[] row(Tensor t, int i) {
        return in.values(t.rows(i, 1));
    }

    private static int[] sample(Tensor rows) {
        return Errors.sample((int) rows.dim(0));
    }

    double sum(Tensor sum, Tensor x, Tensor delta) {
        double worst = 0;
        for (int i : sample(x)) {
            double[] expected = row(x, i);
            double[] added = row(delta, i);
            for (int j = 0; j < expected.length; j++) {
                expected[j] += added[j];
            }
            worst = Math.max(worst, Errors.of(row(sum, i), expected));
        }
        return worst;
    }

    double rmsNorm(Tensor out, Tensor x, Tensor weight, double eps) {
        double[] w = in.values(weight);
        double worst = 0;
        for (int i : sample(x)) {
            double[] expected = row(x, i);
            double squares = 0;
            for (double value : expected) {
                squares += value * value;
            }
            double rstd = 1 / Math.sqrt(squares / expected.length + eps);
            for (int j = 0; j < expected.length; j++) {
                expected[j] *= rstd * w[j];
            }
            worst = Math.max(worst, Errors.of(row(out, i), expected));
        }
        return worst;
    }

    /** dx and dweight began as zeros. */
    double rmsNormBackward(Tensor dx, Tensor dweight, Tensor dout, Tensor x, Tensor weight, Tensor rstd) {
        double[] w = in.values(weight);
        double[] scales = in.values(rstd);
        double worst = 0;
        for (int i : sample(x)) {
            double[] value = row(x, i);
            double[] given = row(dout, i);
            double projection = 0;
            for (int j = 0; j < w.length; j++) {
                projection += w[j] * given[j] * value[j];
            }
            double[] expected = new double[w.length];
            for (int j = 0; j < w.length; j++) {
                expected[j] = scales[i] * (w[j] * given[j]
                        - value[j] * scales[i] * scales[i] * projection / w.length);
            }
            worst = Math.max(worst, Errors.of(row(dx, i), expected));
        }
        double[] sums = new double[w.length];
        for (int i = 0; i < x.dim(0); i++) {
            double[] value = row(x, i);
            double[] given = row(dout, i);
            for (int j = 0; j < w.length; j++) {
                sums[j] += given[j] * value[j] * scales[i];
            }
        }
        return Math.max(worst, Errors.of(in.values(dweight), sums));
    }

    /** Bias and RoPE in place. */
    double qkv(Runnable run, Tensor qkv, Tensor bias, Tensor rope, Tensor positions, int rotated, int d) {
        int[] rows = sample(qkv);
        double[] b = in.values(bias);
        double[][] expected = new double[rows.length][];
        for (int r = 0; r < rows.length; r++) {
            expected[r] = row(qkv, rows[r]);
            for (int j = 0; j < b.length; j++) {
                expected[r][j] += b[j];
            }
            rotate(expected[r], row(rope, in.integers(positions)[rows[r]]), rotated, d, 1);
        }
        run.run();
        double worst = 0;
        for (int r = 0; r < rows.length; r++) {
            worst = Math.max(worst, Errors.of(row(qkv, rows[r]), expected[r]));
        }
        return worst;
    }

    /** In place; dbias began as zeros. */
    double qkvBackward(Runnable run, Tensor dqkv, Tensor dbias, Tensor rope, Tensor positions, int rotated, int d) {
        int n = (int) dqkv.dim(0);
        int[] position = in.integers(positions);
        double[][] expected = new double[n][];
        double[] sums = new double[(int) dqkv.dim(1)];
        for (int i = 0; i < n; i++) {
            expected[i] = row(dqkv, i);
            rotate(expected[i], row(rope, position[i]), rotated, d, -1);
            for (int j = 0; j < sums.length; j++) {
                sums[j] += expected[i][j];
            }
        }
        run.run();
        double worst = Errors.of(in.values(dbias), sums);
        for (int i : sample(dqkv)) {
            worst = Math.max(worst, Errors.of(row(dqkv, i), expected[i]));
        }
        return worst;
    }

    /** @param sign 1 rotates, -1 is the transpose, which takes gradients back */
    private static void rotate(double[] row, double[] rope, int heads, int d, int sign) {
        int half = d / 2;
        for (int head = 0; head < heads; head++) {
            for (int i = 0; i < half; i++) {
                int at = head * d + i;
                double a = row[at];
                double b = row[at + half];
                double sin = sign * rope[half + i];
                row[at] = a * rope[i] - b * sin;
                row[at + half] = b * rope[i] + a * sin;
            }
        }
    }

    double swiglu(Tensor out, Tensor gateUp) {
        double worst = 0;
        for (int i : sample(out)) {
            worst = Math.max(worst, Errors.of(row(out, i), swiglu(row(gateUp, i))));
        }
        return worst;
    }

    private static double[] swiglu(double[] gateUp) {
        double[] out = new double[gateUp.length / 2];
        for (int j = 0; j < out.length; j++) {
            out[j] = gateUp[j] / (1 + Math.exp(-gateUp[j])) * gateUp[out.length + j];
        }
        return out;
    }

    /** Of the gradient that takes the place of gate and up, and of the product that is made once more. */
    double swigluBackward(Runnable run, Tensor gateUp, Tensor out, Tensor dout) {
        int[] rows = sample(out);
        double[][] before = new double[rows.length][];
        for (int r = 0; r < rows.length; r++) {
            before[r] = row(gateUp, rows[r]);
        }
        run.run();
        double worst = 0;
        for (int r = 0; r < rows.length; r++) {
            double[] given = row(dout, rows[r]);
            double[] expected = new double[before[r].length];
            for (int j = 0; j < given.length; j++) {
                double gate = before[r][j];
                double sigmoid = 1 / (1 + Math.exp(-gate));
                expected[j] = given[j] * before[r][given.length + j] * sigmoid * (1 + gate * (1 - sigmoid));
                expected[given.length + j] = given[j] * gate * sigmoid;
            }
            worst = Math.max(worst, Errors.of(row(gateUp, rows[r]), expected));
            worst = Math.max(worst, Errors.of(row(out, rows[r]), swiglu(before[r])));
        }
        return worst;
    }

    double embedding(Tensor out, Tensor table, Tensor ids) {
        double worst = 0;
        for (int i : sample(out)) {
            worst = Math.max(worst, Errors.of(row(out, i), row(table, in.integers(ids)[i])));
        }
        return worst;
    }

    /** dtable began as zeros. */
    double embeddingBackward(Tensor dtable, Tensor dout, Tensor ids) {
        int[] id = in.integers(ids);
        double worst = 0;
        for (int i : sample(dout)) {
            double[] expected = new double[(int) dout.dim(1)];
            for (int k = 0; k < id.length; k++) {
                if (id[k] == id[i]) {
                    double[] given = row(dout, k);
                    for (int j = 0; j < expected.length; j++) {
                        expected[j] += given[j];
                    }
                }
            }
            worst = Math.max(worst, Errors.of(row(dtable, id[i]), expected));
        }
        return worst;
    }
}
