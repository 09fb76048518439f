package intuitor.eval.answer;

import intuitor.eval.answer.Expr.Builder;
import intuitor.eval.answer.Expr.Degrees;
import intuitor.eval.answer.Expr.Group;
import intuitor.eval.answer.Expr.Matrix;
import intuitor.eval.answer.Expr.Modulo;
import intuitor.eval.answer.Expr.NamedSet;
import intuitor.eval.answer.Expr.Percent;
import intuitor.eval.answer.Expr.Product;
import intuitor.eval.answer.Expr.Quantity;
import intuitor.eval.answer.Expr.Quotient;
import intuitor.eval.answer.Expr.Ratio;
import intuitor.eval.answer.Expr.Relation;
import intuitor.eval.answer.Expr.SetOperation;
import intuitor.eval.answer.Expr.Statements;
import intuitor.eval.answer.Expr.Sum;
import intuitor.eval.answer.Expr.Symbol;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.BiPredicate;

/** Decides by their form how two parsed answers are compared, and compares them. */
final class Comparison {
    private static final int MAX_ITEMS = 400;

    private final Rules rules;
    private final Budget budget;
    private final ScalarEquality scalars;
    private final RelationEquality relations;

    Comparison(Rules rules, Budget budget) {
        this.rules = rules;
        this.budget = budget;
        this.scalars = new ScalarEquality(rules, budget);
        this.relations = new RelationEquality(this, scalars, budget, rules);
    }

    /** Whether the answer is equal to the reference. */
    boolean equal(Expr reference, Expr answer) {
        budget.check();
        if (reference.equals(answer)) {
            return true;
        }
        Expr a = Solutions.plain(reference);
        Expr b = Solutions.plain(answer);
        if (isStated(a) || isStated(b)) {
            return isStated(a) && isStated(b) ? relations.equal(a, b)
                    : isStated(a) ? statedAndValue(a, b, false) : statedAndValue(b, a, true);
        }
        if (a instanceof Expr.Text != b instanceof Expr.Text) {
            Expr setA = asSet(a);
            Expr setB = asSet(b);
            if (setA != a || setB != b) {
                return equal(setA, setB);
            }
        }
        if (a instanceof Expr.Text || b instanceof Expr.Text) {
            Expr x = a instanceof Expr.Text t ? NumberWords.value(t.words()) : a;
            Expr y = b instanceof Expr.Text t ? NumberWords.value(t.words()) : b;
            if (x != null && y != null) {
                return equal(x, y);
            }
            String words = words(a);
            return words != null && words.equals(words(b));
        }
        if (Matrices.contains(a) || Matrices.contains(b)) {
            return Matrices.contains(a) && Matrices.contains(b) && equalMatrices(a, b);
        }
        if (isSetExpression(a) || isSetExpression(b)) {
            return equalSets(a, b);
        }
        if (a instanceof Group || b instanceof Group) {
            return groups(a, b);
        }
        return measured(a, b);
    }

    private static boolean isStated(Expr e) {
        return e instanceof Relation || e instanceof Statements;
    }

    /** An equation, inequality or membership beside an answer that is none. */
    private boolean statedAndValue(Expr stated, Expr value, boolean statedIsAnswer) {
        if (stated instanceof Relation r && r.operators().equals(List.of('∈'))
                && Solutions.isLabel(r.operands().get(0))) {
            Expr set = r.operands().get(1);
            return statedIsAnswer ? equal(value, set) : equal(set, value);
        }
        Expr values = Solutions.unlabelled(stated);
        if (values != null) {
            return statedIsAnswer ? equal(value, values) : equal(values, value);
        }
        if (stated instanceof Relation r && r.isEquation() && isNoSolution(value)
                && !ScalarEquality.variables(stated).isEmpty()) {
            return false; // the question, not its answer
        }
        boolean setLike = isSetExpression(value) || value instanceof Group g && (g.mayBeInterval() || g.isSet())
                || value instanceof Expr.Text;
        return setLike && (equalSets(stated, value) || value instanceof Group g && isInterval(stated, g));
    }

    /** Whether inequalities with parameters, as x < a, say what an interval says. */
    private boolean isInterval(Expr stated, Group interval) {
        if (!(stated instanceof Relation r) || !interval.mayBeInterval()) {
            return false;
        }
        List<Expr> ends = new ArrayList<>(r.operands());
        List<Character> signs = new ArrayList<>(r.operators());
        if (signs.stream().allMatch(s -> s == '>' || s == '≥')) {
            Collections.reverse(ends);
            Collections.reverse(signs);
            signs.replaceAll(s -> s == '>' ? '<' : '≤');
        }
        if (!signs.stream().allMatch(s -> s == '<' || s == '≤')) {
            return false;
        }
        Expr low = Expr.negative(Expr.Constant.INFINITY);
        if (ends.size() == 3 && ends.get(1) instanceof Symbol) {
            return sameInterval(interval, ends.get(0), signs.get(0), ends.get(2), signs.get(1));
        }
        return ends.size() == 2 && (ends.get(0) instanceof Symbol
                && sameInterval(interval, low, '<', ends.get(1), signs.get(0)) || ends.get(1) instanceof Symbol
                && sameInterval(interval, ends.get(0), signs.get(0), Expr.Constant.INFINITY, '<'));
    }

    private boolean sameInterval(Group g, Expr low, char lowSign, Expr high, char highSign) {
        return (g.open() == '[') == (lowSign == '≤') && (g.close() == ']') == (highSign == '≤')
                && inOrder(g.items(), List.of(low, high));
    }

    private static boolean isSetExpression(Expr e) {
        return switch (e) {
            case SetOperation s -> true;
            case NamedSet s -> true;
            case Builder s -> true;
            case Group g -> g.mayBeInterval() && g.open() == '(' != (g.close() == ')');
            case Sum s -> s.terms().stream().anyMatch(t -> isSetExpression(t) || t instanceof Group g && g.isSet()
                    || t instanceof Product p && p.factors().stream().anyMatch(f -> f instanceof Group g && g.isSet()));
            default -> false;
        };
    }

    private boolean equalSets(Expr a, Expr b) {
        if (a instanceof NamedSet x && b instanceof NamedSet y) {
            return x.equals(y);
        }
        if (a instanceof Group x && b instanceof Group y && x.open() == y.open() && x.close() == y.close()) {
            return inOrder(x.items(), y.items());
        }
        try {
            RealSets sets = new RealSets(budget, rules == Rules.STRICT);
            return sets.of(asSet(a)).equal(sets.of(asSet(b)), scalars);
        } catch (NoValueException | ArithmeticException none) {
            budget.check();
            return a instanceof SetOperation x && b instanceof SetOperation y && x.op() == y.op()
                    && (equal(x.left(), y.left()) && equal(x.right(), y.right())
                    || x.op() != '∖' && equal(x.left(), y.right()) && equal(x.right(), y.left()));
        }
    }

    private static boolean isNoSolution(Expr e) {
        return asSet(e) instanceof NamedSet set && set.name().equals("empty");
    }

    private static Expr asSet(Expr e) {
        if (e instanceof Expr.Text t) {
            return switch (Text.words(t.words())) {
                case "all real numbers" -> new NamedSet("R");
                case "no solution" -> new NamedSet("empty");
                default -> e;
            };
        }
        return e;
    }

    /** Words, or a product of letters read as a word; the words for sets that have a name; null for others. */
    private static String words(Expr e) {
        return switch (e) {
            case Expr.Text t -> Text.words(t.words());
            case Symbol s -> Text.words(s.name());
            case NamedSet s when s.name().equals("empty") -> "no solution";
            case NamedSet s when s.name().equals("R") -> "all real numbers";
            case Product p when p.factors().stream().allMatch(f -> words(f) != null && words(f).length() == 1) ->
                String.join("", p.factors().stream().map(Comparison::words).toList());
            case Expr.Constant c -> c == Expr.Constant.E ? "e" : c == Expr.Constant.I ? "i" : null;
            default -> null;
        };
    }

    private boolean equalMatrices(Expr a, Expr b) {
        Matrix x = Matrices.evaluate(a);
        Matrix y = Matrices.evaluate(b);
        if (x.rows().size() != y.rows().size()) {
            return false;
        }
        for (int i = 0; i < x.rows().size(); i++) {
            if (!inOrder(x.rows().get(i), y.rows().get(i))) {
                return false;
            }
        }
        return true;
    }

    private boolean groups(Expr a, Expr b) {
        if (!(a instanceof Group) || !(b instanceof Group)) {
            Group group = (Group) (a instanceof Group ? a : b);
            Expr other = a instanceof Group ? b : a;
            return rules.bracesOptional() && group.isSet() && group.items().size() == 1
                    && equal(group.items().get(0), other);
        }
        Group x = (Group) a;
        Group y = (Group) b;
        if (x.items().size() > MAX_ITEMS || y.items().size() > MAX_ITEMS) {
            return false;
        }
        if (x.isSet() && y.isSet()) {
            return inAnyOrder(distinct(x.items()), distinct(y.items()), this::equal);
        }
        if ((x.isSet() || x.isList()) && (y.isSet() || y.isList())) {
            return inAnyOrder(x.isSet() ? distinct(x.items()) : x.items(), y.isSet() ? distinct(y.items()) : y.items(),
                    this::equal);
        }
        boolean sameBrackets = x.open() == y.open() && x.close() == y.close();
        boolean tupleAndList = x.isTuple() && y.isList() || x.isList() && y.isTuple();
        return (sameBrackets || tupleAndList) && inOrder(x.items(), y.items());
    }

    private List<Expr> distinct(List<Expr> items) {
        List<Expr> kept = new ArrayList<>();
        for (Expr item : items) {
            if (kept.stream().noneMatch(k -> equal(k, item))) {
                kept.add(item);
            }
        }
        return kept;
    }

    private boolean inOrder(List<Expr> a, List<Expr> b) {
        if (a.size() != b.size()) {
            return false;
        }
        for (int i = 0; i < a.size(); i++) {
            if (!equal(a.get(i), b.get(i))) {
                return false;
            }
        }
        return true;
    }

    static boolean inAnyOrder(List<Expr> a, List<Expr> b, BiPredicate<Expr, Expr> equal) {
        if (a.size() != b.size()) {
            return false;
        }
        List<Expr> rest = new ArrayList<>(b);
        for (Expr x : a) {
            int match = -1;
            for (int i = 0; i < rest.size() && match < 0; i++) {
                match = equal.test(x, rest.get(i)) ? i : -1;
            }
            if (match < 0) {
                return false;
            }
            rest.remove(match);
        }
        return true;
    }

    /** Values with units, signs for percent and degrees, ratios and residues; in the end, numbers and formulas. */
    private boolean measured(Expr a, Expr b) {
        if (a instanceof Quantity || b instanceof Quantity) {
            return quantities(a, b);
        }
        if (a instanceof Modulo x && b instanceof Modulo y) {
            return scalars.equal(x.modulus(), y.modulus()) && congruent(x.value(), y.value(), x.modulus());
        }
        if (a instanceof Modulo || b instanceof Modulo) {
            return rules.modulusOptional() && a instanceof Modulo m && !(b instanceof Modulo) && equal(m.value(), b);
        }
        if (a instanceof Ratio || b instanceof Ratio) {
            return ratios(a, b);
        }
        if (scalars.equal(a, b)) {
            return true;
        }
        if (rules.percentOptional() && a instanceof Percent p && !(b instanceof Percent)) {
            return scalars.equal(p.value(), b);
        }
        return hasDegrees(a) != hasDegrees(b) && scalars.equal(withoutDegrees(a), withoutDegrees(b));
    }

    private boolean congruent(Expr a, Expr b, Expr modulus) {
        Expr quotient = new Quotient(Expr.minus(a, b), modulus);
        return scalars.equal(quotient, Expr.function("floor", quotient));
    }

    private boolean quantities(Expr a, Expr b) {
        String unitA = a instanceof Quantity q ? q.unit() : "";
        String unitB = b instanceof Quantity q ? q.unit() : "";
        Expr x = a instanceof Quantity q ? q.value() : a;
        Expr y = b instanceof Quantity q ? q.value() : b;
        if (hasDegrees(x) || hasDegrees(y) || x instanceof Percent || y instanceof Percent) {
            return false;
        }
        String letter = unitA.isEmpty() ? unitB : unitA;
        if ((unitA.isEmpty() || unitB.isEmpty()) && letter.length() == 1
                && ScalarEquality.variables(unitA.isEmpty() ? x : y).contains(letter)) {
            // 5 m beside 5m: a product after all
            Expr product = new Product(List.of(unitA.isEmpty() ? y : x, new Symbol(letter)));
            return equal(unitA.isEmpty() ? x : y, product);
        }
        Units.Unit knownA = Units.find(unitA);
        Units.Unit knownB = Units.find(unitB);
        if (unitA.isEmpty() || unitB.isEmpty() || unitA.equals(unitB) || knownA == null && knownB == null
                && Units.singular(unitA).equals(Units.singular(unitB))) {
            return equal(x, y);
        }
        if (knownA == null || knownB == null || !knownA.dimension().equals(knownB.dimension())) {
            return false;
        }
        return knownA.factor().equals(knownB.factor()) ? equal(x, y)
                : scalars.equal(new Product(List.of(new Expr.Num(knownA.factor()), x)),
                        new Product(List.of(new Expr.Num(knownB.factor()), y)));
    }

    private boolean ratios(Expr a, Expr b) {
        if (a instanceof Ratio x && b instanceof Ratio y) {
            if (inOrder(x.parts(), y.parts())) {
                return true;
            }
            if (x.clock() && y.clock() || x.parts().size() != y.parts().size()) {
                return false;
            }
            for (int i = 1; i < x.parts().size(); i++) {
                if (!scalars.equal(new Product(List.of(x.parts().get(0), y.parts().get(i))),
                        new Product(List.of(y.parts().get(0), x.parts().get(i))))) {
                    return false;
                }
            }
            return !scalars.equal(x.parts().get(0), Expr.ZERO);
        }
        Ratio r = (Ratio) (a instanceof Ratio ? a : b);
        return r.parts().size() == 2
                && equal(new Quotient(r.parts().get(0), r.parts().get(1)), a instanceof Ratio ? b : a);
    }

    /** Whether a sign for degrees stands outside functions, where it may be left out. */
    private static boolean hasDegrees(Expr e) {
        return e instanceof Degrees || !(e instanceof Expr.Function) && e.children().stream()
                .anyMatch(Comparison::hasDegrees);
    }

    private static Expr withoutDegrees(Expr e) {
        return e instanceof Degrees d ? d.value() : e instanceof Expr.Function ? e : e.map(Comparison::withoutDegrees);
    }
}
