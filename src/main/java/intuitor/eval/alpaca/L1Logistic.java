package intuitor.eval.alpaca;

/**
 * Logistic regression with probabilities as labels and an L1 penalty, as scikit-learn's liblinear solver states it:
 * minimises |beta|_1 + C sum_i w_i loss(y_i, sigma(x_i . beta)), loss(y, p) = -y log p - (1 - y) log(1 - p), no
 * intercept of its own. Newton's method on the smooth part, coordinate descent with soft thresholds on each step's
 * model, and step halving.
 */
final class L1Logistic {

    private static final int STEPS = 200;
    private static final int SWEEPS = 200;
    private static final double TOLERANCE = 1e-12;
    private static final double RIDGE = 1e-12;

    private L1Logistic() { }

    /**
     * @param x rows of features
     * @param y labels in [0, 1]
     * @param w weights
     * @return the coefficients
     */
    static double[] fit(double[][] x, double[] y, double[] w, double c) {
        int d = x[0].length;
        double[] beta = new double[d];
        double value = objective(x, y, w, c, beta);
        for (int step = 0; step < STEPS; step++) {
            double[] gradient = new double[d];
            double[][] hessian = new double[d][d];
            for (int i = 0; i < x.length; i++) {
                double p = sigmoid(dot(x[i], beta));
                for (int a = 0; a < d; a++) {
                    gradient[a] += c * w[i] * (p - y[i]) * x[i][a];
                    for (int b = 0; b < d; b++) {
                        hessian[a][b] += c * w[i] * p * (1 - p) * x[i][a] * x[i][b];
                    }
                }
            }
            double[] target = minimiseModel(beta, gradient, hessian);
            double scale = 1;
            double[] next = mixed(beta, target, scale);
            double nextValue = objective(x, y, w, c, next);
            while (nextValue > value && scale > TOLERANCE) {
                scale /= 2;
                next = mixed(beta, target, scale);
                nextValue = objective(x, y, w, c, next);
            }
            boolean settled = value - nextValue <= TOLERANCE * Math.abs(value);
            if (nextValue <= value) {
                beta = next;
                value = nextValue;
            }
            if (settled) {
                return beta;
            }
        }
        return beta;
    }

    /** argmin over b of g.(b - beta) + (b - beta)'H(b - beta)/2 + |b|_1. */
    private static double[] minimiseModel(double[] beta, double[] g, double[][] h) {
        double[] b = beta.clone();
        for (int sweep = 0; sweep < SWEEPS; sweep++) {
            double change = 0;
            for (int a = 0; a < b.length; a++) {
                double slope = g[a];
                for (int k = 0; k < b.length; k++) {
                    slope += h[a][k] * (b[k] - beta[k]);
                }
                double curvature = h[a][a] + RIDGE;
                double z = b[a] - slope / curvature;
                double next = Math.signum(z) * Math.max(0, Math.abs(z) - 1 / curvature);
                change = Math.max(change, Math.abs(next - b[a]));
                b[a] = next;
            }
            if (change < TOLERANCE) {
                break;
            }
        }
        return b;
    }

    private static double[] mixed(double[] from, double[] to, double scale) {
        double[] mixed = new double[from.length];
        for (int a = 0; a < mixed.length; a++) {
            mixed[a] = from[a] + scale * (to[a] - from[a]);
        }
        return mixed;
    }

    static double objective(double[][] x, double[] y, double[] w, double c, double[] beta) {
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            sum += w[i] * loss(y[i], dot(x[i], beta));
        }
        double penalty = 0;
        for (double b : beta) {
            penalty += Math.abs(b);
        }
        return penalty + c * sum;
    }

    /** In terms of z = x . beta, so that nothing overflows. */
    static double loss(double y, double z) {
        return Math.max(z, 0) - z * y + Math.log1p(Math.exp(-Math.abs(z)));
    }

    static double sigmoid(double z) {
        return z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z));
    }

    static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }
}
