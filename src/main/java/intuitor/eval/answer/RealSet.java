package intuitor.eval.answer;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** A union of finitely many intervals and points of the real line, in ascending order and disjoint. */
final class RealSet {
    private static final int DIGITS = 50;
    private static final int SAME_DIGITS = 33;

    /** An end: an expression and its value; {@code infinite} is -1 or 1 for the infinities, else 0. */
    record End(Expr expr, BigDecimal value, int infinite) {
        static final End LEAST = new End(Expr.negative(Expr.Constant.INFINITY), null, -1);
        static final End GREATEST = new End(Expr.Constant.INFINITY, null, 1);

        static End of(Expr e, Budget budget) {
            int infinite = ScalarEquality.infinity(e);
            if (infinite != 0) {
                return infinite < 0 ? LEAST : GREATEST;
            }
            Complex value = new NumericEvaluator(Map.of(), DIGITS, budget).value(e);
            if (!value.isReal()) {
                throw new NoValueException("end of an interval not real");
            }
            return new End(e, value.re(), 0);
        }

        int compareTo(End o) {
            if (infinite != 0 || o.infinite != 0) {
                return Integer.compare(infinite, o.infinite);
            }
            BigDecimal d = value.subtract(o.value, new MathContext(DIGITS));
            if (d.signum() == 0) {
                return 0;
            }
            int scale = Math.max(Complex.magnitude(value), Complex.magnitude(o.value));
            return Complex.magnitude(d) < scale - SAME_DIGITS || scale < -SAME_DIGITS ? 0 : d.signum();
        }
    }

    record Piece(End low, boolean lowIn, End high, boolean highIn) {
        boolean isEmpty() {
            int order = low.compareTo(high);
            return order > 0 || order == 0 && !(lowIn && highIn);
        }
    }

    static final RealSet EMPTY = new RealSet(List.of());
    static final RealSet ALL = interval(End.LEAST, false, End.GREATEST, false);

    private final List<Piece> pieces;

    private RealSet(List<Piece> pieces) {
        this.pieces = pieces;
    }

    static RealSet interval(End low, boolean lowIn, End high, boolean highIn) {
        return united(List.of(new Piece(low, lowIn && low.infinite == 0, high, highIn && high.infinite == 0)));
    }

    static RealSet point(End at) {
        return interval(at, true, at, true);
    }

    boolean isEmpty() {
        return pieces.isEmpty();
    }

    private static RealSet united(List<Piece> all) {
        List<Piece> sorted = new ArrayList<>(all);
        sorted.removeIf(Piece::isEmpty);
        Comparator<Piece> byLow = (p, q) -> p.low.compareTo(q.low);
        sorted.sort(byLow.thenComparing(p -> !p.lowIn));
        List<Piece> merged = new ArrayList<>();
        for (Piece p : sorted) {
            Piece last = merged.isEmpty() ? null : merged.get(merged.size() - 1);
            int gap = last == null ? 1 : p.low.compareTo(last.high);
            if (gap > 0 || gap == 0 && !p.lowIn && !last.highIn) {
                merged.add(p);
                continue;
            }
            int order = p.high.compareTo(last.high);
            if (order > 0 || order == 0 && p.highIn) {
                merged.set(merged.size() - 1, new Piece(last.low, last.lowIn, p.high, p.highIn));
            }
        }
        return new RealSet(merged);
    }

    RealSet or(RealSet o) {
        List<Piece> all = new ArrayList<>(pieces);
        all.addAll(o.pieces);
        return united(all);
    }

    RealSet and(RealSet o) {
        List<Piece> all = new ArrayList<>();
        for (Piece p : pieces) {
            for (Piece q : o.pieces) {
                int low = p.low.compareTo(q.low);
                int high = p.high.compareTo(q.high);
                all.add(new Piece(low >= 0 ? p.low : q.low, (low < 0 || p.lowIn) && (low > 0 || q.lowIn),
                        high <= 0 ? p.high : q.high, (high > 0 || p.highIn) && (high < 0 || q.highIn)));
            }
        }
        return united(all);
    }

    RealSet complement() {
        List<Piece> gaps = new ArrayList<>();
        End low = End.LEAST;
        boolean lowIn = false;
        for (Piece p : pieces) {
            gaps.add(new Piece(low, lowIn, p.low, !p.lowIn && p.low.infinite == 0));
            low = p.high;
            lowIn = !p.highIn && p.high.infinite == 0;
        }
        gaps.add(new Piece(low, lowIn, End.GREATEST, false));
        return united(gaps);
    }

    boolean equal(RealSet o, ScalarEquality scalars) {
        if (pieces.size() != o.pieces.size()) {
            return false;
        }
        for (int i = 0; i < pieces.size(); i++) {
            Piece p = pieces.get(i);
            Piece q = o.pieces.get(i);
            if (p.lowIn != q.lowIn || p.highIn != q.highIn || !scalars.equal(p.low.expr, q.low.expr)
                    || !scalars.equal(p.high.expr, q.high.expr)) {
                return false;
            }
        }
        return true;
    }
}
