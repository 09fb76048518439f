package intuitor.model;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleUnaryOperator;

/**
 * Reverse-mode differentiation of fp64 matrices, written for clarity: an oracle for the hand-written backward pass that
 * has nothing in common with it. Every operation appends itself; {@link #backward} walks the tape from its end.
 */
final class Tape {

    /** A matrix, its gradient, and how to hand the gradient on to what it was computed from. */
    static final class Matrix {

        final int rows;
        final int columns;
        final double[] value;
        final double[] gradient;
        private Runnable backward = () -> { };

        private Matrix(int rows, int columns) {
            this.rows = rows;
            this.columns = columns;
            this.value = new double[rows * columns];
            this.gradient = new double[rows * columns];
        }

        double at(int r, int c) {
            return value[r * columns + c];
        }
    }

    private final List<Matrix> tape = new ArrayList<>();

    private Matrix append(int rows, int columns) {
        Matrix m = new Matrix(rows, columns);
        tape.add(m);
        return m;
    }

    Matrix constant(int rows, int columns, double[] values) {
        Matrix m = append(rows, columns);
        System.arraycopy(values, 0, m.value, 0, values.length);
        return m;
    }

    /** Gradients of scalar (1 by 1) with respect to everything it depends on. */
    void backward(Matrix scalar) {
        scalar.gradient[0] = 1;
        for (int i = tape.size() - 1; i >= 0; i--) {
            tape.get(i).backward.run();
        }
    }

    /** a b^T */
    Matrix timesTransposed(Matrix a, Matrix b) {
        Matrix out = append(a.rows, b.rows);
        int n = a.columns;
        for (int i = 0; i < a.rows; i++) {
            for (int j = 0; j < b.rows; j++) {
                double sum = 0;
                for (int k = 0; k < n; k++) {
                    sum += a.value[i * n + k] * b.value[j * n + k];
                }
                out.value[i * b.rows + j] = sum;
            }
        }
        out.backward = () -> {
            for (int i = 0; i < a.rows; i++) {
                for (int j = 0; j < b.rows; j++) {
                    double g = out.gradient[i * b.rows + j];
                    for (int k = 0; k < n; k++) {
                        a.gradient[i * n + k] += g * b.value[j * n + k];
                        b.gradient[j * n + k] += g * a.value[i * n + k];
                    }
                }
            }
        };
        return out;
    }

    Matrix transpose(Matrix a) {
        Matrix out = append(a.columns, a.rows);
        for (int i = 0; i < a.rows; i++) {
            for (int j = 0; j < a.columns; j++) {
                out.value[j * a.rows + i] = a.at(i, j);
            }
        }
        out.backward = () -> {
            for (int i = 0; i < a.rows; i++) {
                for (int j = 0; j < a.columns; j++) {
                    a.gradient[i * a.columns + j] += out.gradient[j * a.rows + i];
                }
            }
        };
        return out;
    }

    /** a + b; b may be a single row or a single column, repeated. */
    Matrix plus(Matrix a, Matrix b) {
        Matrix out = append(a.rows, a.columns);
        for (int i = 0; i < out.value.length; i++) {
            out.value[i] = a.value[i] + b.value[repeated(a, b, i)];
        }
        out.backward = () -> {
            for (int i = 0; i < out.value.length; i++) {
                a.gradient[i] += out.gradient[i];
                b.gradient[repeated(a, b, i)] += out.gradient[i];
            }
        };
        return out;
    }

    /** a * b, element by element; b may be a single row or a single column, repeated. */
    Matrix times(Matrix a, Matrix b) {
        Matrix out = append(a.rows, a.columns);
        for (int i = 0; i < out.value.length; i++) {
            out.value[i] = a.value[i] * b.value[repeated(a, b, i)];
        }
        out.backward = () -> {
            for (int i = 0; i < out.value.length; i++) {
                int j = repeated(a, b, i);
                a.gradient[i] += out.gradient[i] * b.value[j];
                b.gradient[j] += out.gradient[i] * a.value[i];
            }
        };
        return out;
    }

    private static int repeated(Matrix a, Matrix b, int i) {
        int row = b.rows == 1 ? 0 : i / a.columns;
        int column = b.columns == 1 ? 0 : i % a.columns;
        return row * b.columns + column;
    }

    Matrix scale(Matrix a, double factor) {
        return map(a, x -> factor * x, x -> factor);
    }

    /** f(a), element by element, with f's derivative. */
    Matrix map(Matrix a, DoubleUnaryOperator f, DoubleUnaryOperator derivative) {
        Matrix out = append(a.rows, a.columns);
        for (int i = 0; i < out.value.length; i++) {
            out.value[i] = f.applyAsDouble(a.value[i]);
        }
        out.backward = () -> {
            for (int i = 0; i < out.value.length; i++) {
                a.gradient[i] += out.gradient[i] * derivative.applyAsDouble(a.value[i]);
            }
        };
        return out;
    }

    /** Sum of each row [rows, 1]. */
    Matrix rowSums(Matrix a) {
        Matrix out = append(a.rows, 1);
        for (int i = 0; i < a.value.length; i++) {
            out.value[i / a.columns] += a.value[i];
        }
        out.backward = () -> {
            for (int i = 0; i < a.value.length; i++) {
                a.gradient[i] += out.gradient[i / a.columns];
            }
        };
        return out;
    }

    /** Sum of everything [1, 1]. */
    Matrix sum(Matrix a) {
        return rowSums(transpose(rowSums(a)));
    }

    /** The rows with these numbers, which may repeat. */
    Matrix rows(Matrix a, int[] index) {
        Matrix out = append(index.length, a.columns);
        for (int i = 0; i < out.value.length; i++) {
            out.value[i] = a.at(index[i / a.columns], i % a.columns);
        }
        out.backward = () -> {
            for (int i = 0; i < out.value.length; i++) {
                a.gradient[index[i / a.columns] * a.columns + i % a.columns] += out.gradient[i];
            }
        };
        return out;
    }

    Matrix columns(Matrix a, int from, int count) {
        int[] index = new int[count];
        for (int i = 0; i < count; i++) {
            index[i] = from + i;
        }
        return transpose(rows(transpose(a), index));
    }

    /** Matrices of equal height side by side. */
    Matrix beside(List<Matrix> parts) {
        int rows = parts.getFirst().rows;
        Matrix out = append(rows, parts.stream().mapToInt(p -> p.columns).sum());
        int offset = 0;
        List<Integer> offsets = new ArrayList<>();
        for (Matrix p : parts) {
            offsets.add(offset);
            for (int i = 0; i < p.value.length; i++) {
                out.value[i / p.columns * out.columns + offset + i % p.columns] = p.value[i];
            }
            offset += p.columns;
        }
        out.backward = () -> {
            for (int k = 0; k < parts.size(); k++) {
                Matrix p = parts.get(k);
                for (int i = 0; i < p.value.length; i++) {
                    p.gradient[i] += out.gradient[i / p.columns * out.columns + offsets.get(k) + i % p.columns];
                }
            }
        };
        return out;
    }
}
