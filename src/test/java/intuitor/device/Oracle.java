package intuitor.device;

/**
 * The kernels of {@code intuitor.h} in double precision, as plainly as they can be written; what the libraries are
 * compared with. Attention and the vocabulary have oracles of their own.
 */
final class Oracle {

    private Oracle() {
    }

    // --- RMSNorm ---------------------------------------------------------------------------------------------------

    /** 1 / sqrt(mean(x^2) + eps) of n elements. */
    static double rstd(double[] x, int from, int n, double eps) {
        double squares = 0;
        for (int i = from; i < from + n; i++) {
            squares += x[i] * x[i];
        }
        return 1 / Math.sqrt(squares / n + eps);
    }

    /** x [.., H] normalised row by row. */
    static double[] rmsNorm(double[] x, double[] weight, double eps) {
        int width = weight.length;
        double[] out = new double[x.length];
        for (int row = 0; row < x.length; row += width) {
            double rstd = rstd(x, row, width, eps);
            for (int i = 0; i < width; i++) {
                out[row + i] = x[row + i] * rstd * weight[i];
            }
        }
        return out;
    }

    /** {dx, dweight}: with xh = x rstd, dx = rstd (w dout - xh mean(w dout xh)). */
    static double[][] rmsNormBackward(double[] dout, double[] x, double[] weight, double eps) {
        int width = weight.length;
        double[] dx = new double[x.length];
        double[] dweight = new double[width];
        for (int row = 0; row < x.length; row += width) {
            double rstd = rstd(x, row, width, eps);
            double mean = 0;
            for (int i = 0; i < width; i++) {
                dweight[i] += dout[row + i] * x[row + i] * rstd;
                mean += weight[i] * dout[row + i] * x[row + i] * rstd / width;
            }
            for (int i = 0; i < width; i++) {
                dx[row + i] = rstd * (weight[i] * dout[row + i] - x[row + i] * rstd * mean);
            }
        }
        return new double[][] {dx, dweight};
    }

    // --- query, key, value -----------------------------------------------------------------------------------------

    /**
     * Shape and constants of the step between projection and attention.
     *
     * @param qNorm, kNorm null, or [headDim]
     * @param rope         [max positions, 2, headDim / 2]
     * @param positions    [T]
     */
    record Qkv(int heads, int kvHeads, int headDim, double[] qNorm, double[] kNorm, double eps, double[] rope,
            int[] positions) {

        int width() {
            return (heads + 2 * kvHeads) * headDim;
        }

        /** bias null, or [width]. */
        double[] forward(double[] projection, double[] bias) {
            double[] out = biased(projection, bias);
            for (int t = 0; t < positions.length; t++) {
                for (int h = 0; h < heads + kvHeads; h++) {
                    int at = t * width() + h * headDim;
                    double[] norm = h < heads ? qNorm : kNorm;
                    if (norm != null) {
                        System.arraycopy(rmsNorm(head(out, at), norm, eps), 0, out, at, headDim);
                    }
                    rotate(out, at, t, 1);
                }
            }
            return out;
        }

        double[] biased(double[] projection, double[] bias) {
            double[] out = projection.clone();
            for (int i = 0; bias != null && i < out.length; i++) {
                out[i] += bias[i % width()];
            }
            return out;
        }

        /** {d projection, d bias, d qNorm, d kNorm}; biased: what {@link #biased} gave. */
        double[][] backward(double[] dout, double[] biased) {
            double[] d = dout.clone();
            double[] dbias = new double[width()];
            double[] dqNorm = new double[headDim];
            double[] dkNorm = new double[headDim];
            for (int t = 0; t < positions.length; t++) {
                for (int h = 0; h < heads + kvHeads; h++) {
                    int at = t * width() + h * headDim;
                    rotate(d, at, t, -1);
                    double[] norm = h < heads ? qNorm : kNorm;
                    if (norm != null) {
                        double[][] gradients = rmsNormBackward(head(d, at), head(biased, at), norm, eps);
                        System.arraycopy(gradients[0], 0, d, at, headDim);
                        for (int i = 0; i < headDim; i++) {
                            (h < heads ? dqNorm : dkNorm)[i] += gradients[1][i];
                        }
                    }
                }
                for (int i = 0; i < width(); i++) {
                    dbias[i] += d[t * width() + i];
                }
            }
            return new double[][] {d, dbias, dqNorm, dkNorm};
        }

        private double[] head(double[] all, int at) {
            return java.util.Arrays.copyOfRange(all, at, at + headDim);
        }

        /** Rotates one head in place, forwards (1) or back (-1). */
        private void rotate(double[] x, int at, int t, int direction) {
            int half = headDim / 2;
            for (int i = 0; i < half; i++) {
                double cos = rope[positions[t] * headDim + i];
                double sin = rope[positions[t] * headDim + half + i] * direction;
                double a = x[at + i];
                double b = x[at + half + i];
                x[at + i] = a * cos - b * sin;
                x[at + half + i] = b * cos + a * sin;
            }
        }
    }

    /** cos and sin of position / theta^(2 i / headDim), as the models make it. */
    static float[] rope(int positions, int headDim, double theta) {
        int half = headDim / 2;
        float[] table = new float[positions * headDim];
        for (int p = 0; p < positions; p++) {
            for (int i = 0; i < half; i++) {
                double angle = p * Math.pow(theta, -2.0 * i / headDim);
                table[p * headDim + i] = (float) Math.cos(angle);
                table[p * headDim + half + i] = (float) Math.sin(angle);
            }
        }
        return table;
    }

    // --- SwiGLU ----------------------------------------------------------------------------------------------------

    /** gateUp [T,2F] to [T,F]. */
    static double[] swiglu(double[] gateUp, int features) {
        double[] out = new double[gateUp.length / 2];
        for (int i = 0; i < out.length; i++) {
            int gate = i / features * 2 * features + i % features;
            out[i] = gateUp[gate] * sigmoid(gateUp[gate]) * gateUp[gate + features];
        }
        return out;
    }

    static double[] swigluBackward(double[] dout, double[] gateUp, int features) {
        double[] d = new double[gateUp.length];
        for (int i = 0; i < dout.length; i++) {
            int gate = i / features * 2 * features + i % features;
            double g = gateUp[gate];
            double s = sigmoid(g);
            d[gate] = dout[i] * gateUp[gate + features] * s * (1 + g * (1 - s));
            d[gate + features] = dout[i] * g * s;
        }
        return d;
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    // --- optimiser -------------------------------------------------------------------------------------------------

    /** One AdamW step in place. */
    static void adamw(double[] p, double[] grad, double[] m, double[] v, double lr, double beta1, double beta2,
            double eps, double weightDecay, double gradScale, long step) {
        for (int i = 0; i < p.length; i++) {
            double g = grad[i] * gradScale;
            m[i] = beta1 * m[i] + (1 - beta1) * g;
            v[i] = beta2 * v[i] + (1 - beta2) * g * g;
            double mHat = m[i] / (1 - Math.pow(beta1, step));
            double vHat = v[i] / (1 - Math.pow(beta2, step));
            p[i] -= lr * (mHat / (Math.sqrt(vHat) + eps) + weightDecay * p[i]);
        }
    }
}
