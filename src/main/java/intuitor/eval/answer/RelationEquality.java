package intuitor.eval.answer;

import intuitor.eval.answer.Expr.Group;
import intuitor.eval.answer.Expr.Quotient;
import intuitor.eval.answer.Expr.Relation;
import intuitor.eval.answer.Expr.Statements;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Equality of equations, inequalities and lists of them: by the values they state, by the real numbers they admit, else
 * relation by relation up to a constant factor.
 */
final class RelationEquality {
    private static final int ENOUGH = 5;
    private static final int DIGITS = 40;

    private final Comparison comparison;
    private final ScalarEquality scalars;
    private final Budget budget;
    private final RealSets sets;

    RelationEquality(Comparison comparison, ScalarEquality scalars, Budget budget, Rules rules) {
        this.comparison = comparison;
        this.scalars = scalars;
        this.budget = budget;
        this.sets = new RealSets(budget, rules == Rules.STRICT);
    }

    boolean equal(Expr a, Expr b) {
        Solutions.Named x = Solutions.values(a);
        Solutions.Named y = Solutions.values(b);
        if (x != null && y != null && sameValues(x, y)) {
            return true;
        }
        Expr memberA = member(a);
        Expr memberB = member(b);
        if (memberA != null && memberB != null) {
            return comparison.equal(memberA, memberB);
        }
        Set<String> names = ScalarEquality.variables(RealSets.named(a));
        if (names.size() <= 1 && names.equals(ScalarEquality.variables(RealSets.named(b)))) {
            try {
                RealSet first = sets.of(a);
                RealSet second = sets.of(b);
                if (!first.isEmpty() || !second.isEmpty()) { // having no real solution in common says nothing
                    return first.equal(second, scalars);
                }
            } catch (NoValueException | ArithmeticException unsolved) {
                budget.check();
            }
        }
        boolean eitherA = a instanceof Statements s && s.joint() == '|';
        boolean eitherB = b instanceof Statements s && s.joint() == '|';
        return eitherA == eitherB && Comparison.inAnyOrder(atoms(a), atoms(b), this::equalAtoms);
    }

    /** The set of a membership, perhaps with a label; null for other statements. */
    private static Expr member(Expr e) {
        return e instanceof Relation r && r.operators().equals(List.of('∈')) ? new Group('(', ')', r.operands()) : null;
    }

    /** The same labels with the same values, in any order. */
    private boolean sameValues(Solutions.Named x, Solutions.Named y) {
        List<Expr> a = new ArrayList<>();
        List<Expr> b = new ArrayList<>();
        collect(x, a);
        collect(y, b);
        return Comparison.inAnyOrder(a, b, comparison::equal);
    }

    /** Pairs of label and value; (x, y) = (1, 2) gives two. */
    private static void collect(Solutions.Named named, List<Expr> pairs) {
        for (int i = 0; i < named.values().size(); i++) {
            Expr label = named.labels().get(i);
            Expr value = named.values().get(i);
            if (label instanceof Group l && value instanceof Group v && l.items().size() == v.items().size()) {
                collect(new Solutions.Named(l.items(), v.items()), pairs);
            } else {
                pairs.add(new Group('(', ')', List.of(label, value)));
            }
        }
    }

    /** Relations of two operands each, none of them with > or ≥. */
    private static List<Expr> atoms(Expr e) {
        List<Expr> all = new ArrayList<>();
        if (e instanceof Statements s) {
            s.items().forEach(item -> all.addAll(atoms(item)));
        } else if (e instanceof Relation r) {
            for (int i = 0; i < r.operators().size(); i++) {
                Expr left = r.operands().get(i);
                Expr right = r.operands().get(i + 1);
                char op = r.operators().get(i);
                boolean greater = op == '>' || op == '≥';
                all.add(new Relation(greater ? List.of(right, left) : List.of(left, right),
                        List.of(op == '>' ? '<' : op == '≥' ? '≤' : op)));
            }
        } else {
            all.add(e);
        }
        return all;
    }

    private boolean equalAtoms(Expr a, Expr b) {
        if (!(a instanceof Relation x) || !(b instanceof Relation y)) {
            return !(a instanceof Relation) && !(b instanceof Relation) && comparison.equal(a, b);
        }
        char op = x.operators().get(0);
        if (op != y.operators().get(0)) {
            return false;
        }
        if (comparison.equal(x.operands().get(0), y.operands().get(0))
                && comparison.equal(x.operands().get(1), y.operands().get(1))) {
            return true;
        }
        return (op == '=' || op == '≠' || op == '<' || op == '≤') && proportional(difference(x), difference(y),
                op == '<' || op == '≤');
    }

    private static Expr difference(Relation r) {
        return Expr.minus(r.operands().get(0), r.operands().get(1));
    }

    /** Whether f / g is one and the same non-zero number, positive if need be, at all points. */
    private boolean proportional(Expr f, Expr g, boolean positive) {
        Set<String> names = ScalarEquality.variables(f);
        if (!names.equals(ScalarEquality.variables(g)) || names.isEmpty()) {
            return false;
        }
        Expr quotient = new Quotient(f, g);
        SamplePoints points = new SamplePoints(names, f, g);
        BigDecimal factor = null;
        int same = 0;
        for (int round = 0; round < points.rounds() && (round < points.needed() || same < ENOUGH); round++) {
            for (Map<String, Rational> point : points.round(round)) {
                Complex ratio = valueOrNull(quotient, point);
                if (ratio == null) {
                    continue;
                }
                if (!ratio.isReal() || ratio.isZero() || positive && ratio.re().signum() < 0
                        || factor != null && !near(factor, ratio.re())) {
                    return false;
                }
                factor = ratio.re();
                same++;
            }
        }
        return same >= ENOUGH;
    }

    private Complex valueOrNull(Expr e, Map<String, Rational> point) {
        try {
            NumericEvaluator evaluator = new NumericEvaluator(point, DIGITS, budget);
            Complex value = evaluator.value(e);
            boolean noise = value.im().signum() != 0
                    && Complex.magnitude(value.im()) < value.magnitude() - DIGITS * 2 / 3;
            return evaluator.absorbed() ? null : noise ? Complex.of(value.re()) : value;
        } catch (NoValueException | ArithmeticException none) {
            budget.check();
            return null;
        }
    }

    private static boolean near(BigDecimal a, BigDecimal b) {
        BigDecimal d = a.subtract(b, new MathContext(DIGITS));
        return d.signum() == 0 || Complex.magnitude(d) < Complex.magnitude(a) - DIGITS * 2 / 3;
    }
}
