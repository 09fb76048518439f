package intuitor.eval.answer;

import intuitor.eval.answer.Expr.Builder;
import intuitor.eval.answer.Expr.Function;
import intuitor.eval.answer.Expr.Group;
import intuitor.eval.answer.Expr.NamedSet;
import intuitor.eval.answer.Expr.Num;
import intuitor.eval.answer.Expr.Power;
import intuitor.eval.answer.Expr.Product;
import intuitor.eval.answer.Expr.Quotient;
import intuitor.eval.answer.Expr.Relation;
import intuitor.eval.answer.Expr.SetOperation;
import intuitor.eval.answer.Expr.Statements;
import intuitor.eval.answer.Expr.Sum;
import intuitor.eval.answer.Expr.Symbol;
import intuitor.eval.answer.RealSet.End;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which real numbers a set, an interval or relations in one variable denote. Relations are solved where they are
 * linear; with {@code solve} also where they are quadratic with rational coefficients or bound an absolute value.
 */
final class RealSets {
    private static final int DIGITS = 60;
    private static final MathContext MC = new MathContext(DIGITS);

    private final Budget budget;
    private final boolean solve;

    RealSets(Budget budget, boolean solve) {
        this.budget = budget;
        this.solve = solve;
    }

    /** The set; {@link NoValueException} where the expression is no set of reals or is not solved. */
    RealSet of(Expr e) {
        budget.check();
        return switch (e) {
            case NamedSet n when n.name().equals("R") -> RealSet.ALL;
            case NamedSet n when n.name().equals("empty") -> RealSet.EMPTY;
            case Group g when g.isSet() -> {
                RealSet all = RealSet.EMPTY;
                for (Expr item : g.items()) {
                    all = all.or(RealSet.point(End.of(item, budget)));
                }
                yield all;
            }
            case Group g when g.mayBeInterval() -> interval(g);
            case SetOperation s -> {
                RealSet left = of(s.left());
                RealSet right = of(s.right());
                yield switch (s.op()) {
                    case '∪' -> left.or(right);
                    case '∩' -> left.and(right);
                    default -> left.and(right.complement());
                };
            }
            case Sum s -> difference(s);
            case Builder b -> {
                RealSet within = b.element() instanceof Relation r && r.operators().equals(List.of('∈'))
                        ? of(r.operands().get(1)) : RealSet.ALL;
                yield within.and(of(b.condition()));
            }
            case Relation r -> relation(r);
            case Statements s -> statements(s);
            default -> throw new NoValueException("not a set of reals");
        };
    }

    private RealSet interval(Group g) {
        End low = End.of(g.items().get(0), budget);
        End high = End.of(g.items().get(1), budget);
        if (low.compareTo(high) >= 0) {
            throw new NoValueException("not an interval");
        }
        return RealSet.interval(low, g.open() == '[', high, g.close() == ']');
    }

    /** A minus sign between sets. */
    private RealSet difference(Sum s) {
        RealSet all = of(s.terms().get(0));
        for (Expr term : s.terms().subList(1, s.terms().size())) {
            if (!(term instanceof Product p) || p.factors().size() != 2
                    || !p.factors().get(0).equals(Expr.number(-1))) {
                throw new NoValueException("sum of sets");
            }
            all = all.and(of(p.factors().get(1)).complement());
        }
        return all;
    }

    private RealSet statements(Statements s) {
        List<RealSet> sets = s.items().stream().map(this::of).toList();
        RealSet all = sets.stream().reduce(RealSet::and).orElseThrow();
        // x < 1, x > 2 can only mean one or the other; x > 1, x < 2 both at once
        boolean either = s.joint() == '|' || all.isEmpty();
        return either ? sets.stream().reduce(RealSet::or).orElseThrow() : all;
    }

    private RealSet relation(Relation relation) {
        Relation r = (Relation) named(relation);
        Set<String> names = ScalarEquality.variables(r);
        if (names.size() != 1) {
            throw new NoValueException("not a relation in one variable");
        }
        String x = names.iterator().next();
        RealSet all = RealSet.ALL;
        for (int i = 0; i < r.operators().size(); i++) {
            all = all.and(atom(r.operands().get(i), r.operators().get(i), r.operands().get(i + 1), x));
        }
        return all;
    }

    /** f(x) between bounds is a variable like any other. */
    static Expr named(Expr e) {
        return e instanceof Expr.Unknown u ? new Symbol(u.toString()) : e.map(RealSets::named);
    }

    private RealSet atom(Expr left, char op, Expr right, String x) {
        switch (op) {
            case '∈' -> {
                return of(right);
            }
            case '∉' -> {
                return of(right).complement();
            }
            case '>', '≥' -> {
                return atom(right, op == '>' ? '<' : '≤', left, x);
            }
            default -> { }
        }
        boolean inLeft = ScalarEquality.variables(left).contains(x);
        boolean inRight = ScalarEquality.variables(right).contains(x);
        if (!inLeft && !inRight) {
            throw new NoValueException("relation without variable");
        }
        if (left instanceof Symbol && !inRight) {
            return half(End.of(right, budget), op, true);
        }
        if (right instanceof Symbol && !inLeft) {
            return half(End.of(left, budget), op, false);
        }
        if (solve && left instanceof Function f && f.name().equals("abs") && !inRight) {
            return absolute(f.arguments().get(0), op, right, x, true);
        }
        if (solve && right instanceof Function f && f.name().equals("abs") && !inLeft) {
            return absolute(f.arguments().get(0), op, left, x, false);
        }
        return polynomial(Expr.minus(left, right), op, x);
    }

    /** All x with x op end, or with end op x. */
    private static RealSet half(End end, char op, boolean below) {
        return switch (op) {
            case '=' -> RealSet.point(end);
            case '≠' -> RealSet.point(end).complement();
            case '<', '≤' -> below ? RealSet.interval(End.LEAST, false, end, op == '≤')
                    : RealSet.interval(end, op == '≤', End.GREATEST, false);
            default -> throw new NoValueException("relation " + op);
        };
    }

    /** |inside| op bound, or bound op |inside|. */
    private RealSet absolute(Expr inside, char op, Expr bound, String x, boolean below) {
        Expr opposite = Expr.negative(bound);
        return switch (op) {
            case '=' -> atom(inside, '=', bound, x).or(atom(inside, '=', opposite, x));
            case '<', '≤' -> below ? atom(inside, op, bound, x).and(atom(opposite, op, inside, x))
                    : atom(bound, op, inside, x).or(atom(inside, op, opposite, x));
            default -> throw new NoValueException("relation " + op);
        };
    }

    /** All x with f(x) op 0, for f of degree 1 or 2. */
    private RealSet polynomial(Expr f, char op, String x) {
        BigDecimal at0 = value(f, x, 0);
        BigDecimal slope = value(f, x, 1).subtract(at0, MC);
        boolean linear = slope.signum() != 0;
        for (int k : new int[] {2, -3, 7}) {
            BigDecimal expected = at0.add(slope.multiply(BigDecimal.valueOf(k), MC), MC);
            linear &= near(value(f, x, k), expected);
        }
        Expr constant = substitute(f, x, 0);
        if (linear) {
            Expr root = new Quotient(Expr.negative(constant), Expr.minus(substitute(f, x, 1), constant));
            return half(End.of(root, budget), op, slope.signum() > 0);
        }
        if (!solve) {
            throw new NoValueException("not linear");
        }
        return quadratic(f, op, x);
    }

    private RealSet quadratic(Expr f, char op, String x) {
        List<Rational> v = new ArrayList<>();
        for (int k = 0; k < 6; k++) {
            v.add(new ExactEvaluator(Map.of(x, Rational.of(k)), budget).value(f));
        }
        List<Rational> second = new ArrayList<>();
        for (int k = 0; k < 4; k++) {
            second.add(v.get(k + 2).minus(v.get(k + 1).times(Rational.TWO)).plus(v.get(k)));
        }
        if (second.stream().distinct().count() != 1 || second.get(0).isZero()) {
            throw new NoValueException("not quadratic");
        }
        Rational a = second.get(0).over(Rational.TWO);
        Rational c = v.get(0);
        Rational b = v.get(1).minus(a).minus(c);
        Rational discriminant = b.times(b).minus(Rational.of(4).times(a).times(c));
        boolean up = a.signum() > 0;
        if (discriminant.signum() < 0) {
            boolean holds = op == '≠' || op != '=' && !up;
            return holds ? RealSet.ALL : RealSet.EMPTY;
        }
        Rational centre = b.negate().over(a.times(Rational.TWO));
        Expr width = new Product(List.of(new Power(new Num(discriminant), new Num(Rational.HALF)),
                new Num(Rational.ONE.over(a.times(Rational.TWO)).abs())));
        End low = End.of(Expr.minus(new Num(centre), width), budget);
        End high = End.of(new Sum(List.of(new Num(centre), width)), budget);
        RealSet roots = RealSet.point(low).or(RealSet.point(high));
        RealSet between = RealSet.interval(low, false, high, false);
        RealSet negative = up ? between : between.or(roots).complement();
        return switch (op) {
            case '=' -> roots;
            case '≠' -> roots.complement();
            case '<' -> negative;
            case '≤' -> negative.or(roots);
            default -> throw new NoValueException("relation " + op);
        };
    }

    private BigDecimal value(Expr f, String x, int at) {
        Complex value = new NumericEvaluator(Map.of(x, Rational.of(at)), DIGITS, budget).value(f);
        if (!value.isReal()) {
            throw new NoValueException("not real");
        }
        return value.re();
    }

    private static boolean near(BigDecimal a, BigDecimal b) {
        BigDecimal d = a.subtract(b, MC);
        return d.signum() == 0 || Complex.magnitude(d) < Math.max(1, Math.max(Complex.magnitude(a),
                Complex.magnitude(b))) - DIGITS + 15;
    }

    private static Expr substitute(Expr e, String x, int value) {
        return e instanceof Symbol s && s.name().equals(x) ? Expr.number(value) : e.map(c -> substitute(c, x, value));
    }
}
