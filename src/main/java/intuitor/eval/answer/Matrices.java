package intuitor.eval.answer;

import intuitor.eval.answer.Expr.Function;
import intuitor.eval.answer.Expr.Group;
import intuitor.eval.answer.Expr.Matrix;
import intuitor.eval.answer.Expr.Num;
import intuitor.eval.answer.Expr.Power;
import intuitor.eval.answer.Expr.Product;
import intuitor.eval.answer.Expr.Quotient;
import intuitor.eval.answer.Expr.Sum;
import java.util.ArrayList;
import java.util.List;

/** Sums, products, powers, transposes and determinants of matrices of expressions. */
final class Matrices {
    private static final int MAX_SIZE = 12;
    private static final int MAX_DETERMINANT = 6;
    private static final int MAX_POWER = 64;

    private Matrices() { }

    /** {@code [[1, 2], [3, 4]]} is a matrix; every other expression stays as it is. */
    static Expr ofNested(Expr e) {
        if (!(e instanceof Group g) || g.open() != '[' || g.close() != ']') {
            return e;
        }
        List<List<Expr>> rows = new ArrayList<>();
        for (Expr item : g.items()) {
            if (!(item instanceof Group row) || row.open() != '[' || row.close() != ']') {
                return e;
            }
            rows.add(row.items());
        }
        Matrix matrix = new Matrix(rows);
        return matrix.isRectangular() ? matrix : e;
    }

    /** Whether a matrix takes part in the expression outside functions. */
    static boolean contains(Expr e) {
        return switch (e) {
            case Matrix m -> true;
            case Function f -> f.name().equals("transpose");
            case Sum s -> s.terms().stream().anyMatch(Matrices::contains);
            case Product p -> p.factors().stream().anyMatch(Matrices::contains);
            case Quotient q -> contains(q.top());
            case Power p -> contains(p.base());
            default -> false;
        };
    }

    /** The matrix that the expression comes to. */
    static Matrix evaluate(Expr e) {
        return switch (e) {
            case Matrix m -> checked(m);
            case Function f when f.name().equals("transpose") -> transpose(evaluate(f.arguments().get(0)));
            case Sum s -> s.terms().stream().map(Matrices::evaluate).reduce(Matrices::add).orElseThrow();
            case Quotient q -> scale(new Quotient(Expr.ONE, q.bottom()), evaluate(q.top()));
            case Power p when p.exponent() instanceof Num n -> power(evaluate(p.base()), n.value().intValue(MAX_POWER));
            case Product p -> product(p.factors());
            default -> throw new NoValueException("no matrix");
        };
    }

    private static Matrix checked(Matrix m) {
        if (!m.isRectangular() || m.rows().size() > MAX_SIZE || m.rows().get(0).size() > MAX_SIZE) {
            throw new NoValueException("no matrix of moderate size");
        }
        return m;
    }

    private static Matrix product(List<Expr> factors) {
        List<Expr> scalars = new ArrayList<>();
        Matrix result = null;
        for (Expr factor : factors) {
            if (contains(factor)) {
                Matrix m = evaluate(factor);
                result = result == null ? m : multiply(result, m);
            } else {
                scalars.add(factor);
            }
        }
        if (result == null) {
            throw new NoValueException("no matrix");
        }
        return scalars.isEmpty() ? result : scale(new Product(scalars), result);
    }

    private static Matrix power(Matrix m, int n) {
        if (n < 1) {
            if (n == 0) {
                throw new NoValueException("matrix to the power 0");
            }
            return power(inverse(m), -n);
        }
        Matrix result = m;
        for (int i = 1; i < n; i++) {
            result = multiply(result, m);
            if (size(result) > 100_000) {
                throw new NoValueException("power of a matrix too large");
            }
        }
        return result;
    }

    private static int size(Expr e) {
        int size = 1;
        for (Expr child : e.children()) {
            size += size(child);
            if (size > 100_000) {
                return size;
            }
        }
        return size;
    }

    private static Matrix scale(Expr factor, Matrix m) {
        return new Matrix(m.rows().stream()
                .map(row -> row.stream().map(e -> (Expr) new Product(List.of(factor, e))).toList()).toList());
    }

    private static Matrix add(Matrix a, Matrix b) {
        if (a.rows().size() != b.rows().size() || a.rows().get(0).size() != b.rows().get(0).size()) {
            throw new NoValueException("sizes of matrices");
        }
        List<List<Expr>> rows = new ArrayList<>();
        for (int i = 0; i < a.rows().size(); i++) {
            List<Expr> row = new ArrayList<>();
            for (int j = 0; j < a.rows().get(0).size(); j++) {
                row.add(new Sum(List.of(a.rows().get(i).get(j), b.rows().get(i).get(j))));
            }
            rows.add(row);
        }
        return new Matrix(rows);
    }

    private static Matrix multiply(Matrix a, Matrix b) {
        if (a.rows().get(0).size() != b.rows().size()) {
            throw new NoValueException("sizes of matrices");
        }
        List<List<Expr>> rows = new ArrayList<>();
        for (List<Expr> left : a.rows()) {
            List<Expr> row = new ArrayList<>();
            for (int j = 0; j < b.rows().get(0).size(); j++) {
                List<Expr> terms = new ArrayList<>();
                for (int k = 0; k < left.size(); k++) {
                    terms.add(simple(left.get(k), b.rows().get(k).get(j)));
                }
                row.add(folded(terms));
            }
            rows.add(row);
        }
        return new Matrix(rows);
    }

    private static Expr simple(Expr a, Expr b) {
        return a instanceof Num x && b instanceof Num y ? new Num(x.value().times(y.value()))
                : new Product(List.of(a, b));
    }

    private static Expr folded(List<Expr> terms) {
        if (!terms.stream().allMatch(t -> t instanceof Num)) {
            return new Sum(terms);
        }
        return new Num(terms.stream().map(t -> ((Num) t).value()).reduce(Rational.ZERO, Rational::plus));
    }

    private static Matrix transpose(Matrix m) {
        List<List<Expr>> rows = new ArrayList<>();
        for (int j = 0; j < m.rows().get(0).size(); j++) {
            List<Expr> row = new ArrayList<>();
            for (List<Expr> old : m.rows()) {
                row.add(old.get(j));
            }
            rows.add(row);
        }
        return new Matrix(rows);
    }

    /** The adjugate over the determinant. */
    private static Matrix inverse(Matrix m) {
        Expr determinant = determinant(m);
        int n = m.rows().size();
        List<List<Expr>> rows = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            List<Expr> row = new ArrayList<>();
            for (int j = 0; j < n; j++) {
                Expr minor = n == 1 ? Expr.ONE : determinant(without(m, j, i));
                row.add(new Quotient((i + j) % 2 == 0 ? minor : Expr.negative(minor), determinant));
            }
            rows.add(row);
        }
        return new Matrix(rows);
    }

    private static Matrix without(Matrix m, int row, int column) {
        List<List<Expr>> rest = new ArrayList<>();
        for (int i = 0; i < m.rows().size(); i++) {
            if (i != row) {
                List<Expr> kept = new ArrayList<>(m.rows().get(i));
                kept.remove(column);
                rest.add(kept);
            }
        }
        return new Matrix(rest);
    }

    /** The determinant by expansion along the first row. */
    static Expr determinant(Matrix m) {
        checked(m);
        int n = m.rows().size();
        if (n != m.rows().get(0).size() || n > MAX_DETERMINANT) {
            throw new NoValueException("determinant");
        }
        if (n == 1) {
            return m.rows().get(0).get(0);
        }
        List<Expr> terms = new ArrayList<>();
        for (int j = 0; j < n; j++) {
            Expr term = new Product(List.of(m.rows().get(0).get(j), determinant(without(m, 0, j))));
            terms.add(j % 2 == 0 ? term : Expr.negative(term));
        }
        return new Sum(terms);
    }
}
