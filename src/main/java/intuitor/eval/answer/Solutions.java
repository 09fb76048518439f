package intuitor.eval.answer;

import intuitor.eval.answer.Expr.Function;
import intuitor.eval.answer.Expr.Group;
import intuitor.eval.answer.Expr.PlusMinus;
import intuitor.eval.answer.Expr.Product;
import intuitor.eval.answer.Expr.Quotient;
import intuitor.eval.answer.Expr.Ratio;
import intuitor.eval.answer.Expr.Relation;
import intuitor.eval.answer.Expr.Statements;
import intuitor.eval.answer.Expr.Symbol;
import intuitor.eval.answer.Expr.Unknown;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What an answer says its values are: {@code x = 5} says 5, {@code x = \pm 2} says 2 and -2. */
final class Solutions {

    /** Values and the labels they have, in the order as written. */
    record Named(List<Expr> labels, List<Expr> values) { }

    private Solutions() { }

    /**
     * The answer in a plain form: a chain of equations by its first and last member, without approximations that follow
     * an exact value, without conditions on integer parameters, and with both signs of plus-minus.
     */
    static Expr plain(Expr e) {
        return expanded(shortened(e));
    }

    private static Expr shortened(Expr e) {
        if (e instanceof Statements s) {
            List<Expr> items = new ArrayList<>();
            for (Expr item : s.items()) {
                if (!isParameterCondition(item)) {
                    items.add(shortened(item));
                }
            }
            boolean statements = items.stream().anyMatch(i -> i instanceof Relation || i instanceof Statements);
            return items.isEmpty() ? e : items.size() == 1 ? items.get(0)
                    : statements ? new Statements(s.joint(), items) : new Group(',', ',', items);
        }
        if (!(e instanceof Relation r)) {
            return e;
        }
        List<Character> operators = r.operators();
        int approximation = operators.indexOf('≈');
        if (approximation > 0) {
            r = new Relation(r.operands().subList(0, approximation + 1), operators.subList(0, approximation));
        } else if (approximation == 0) {
            if (operators.size() > 1) {
                return e;
            }
            if (!isLabel(r.operands().get(0))) {
                return r.operands().get(0);
            }
            r = new Relation(r.operands(), List.of('='));
        }
        if (r.isEquation() && r.operands().size() > 2) {
            return new Relation(List.of(r.operands().get(0), r.operands().get(r.operands().size() - 1)), List.of('='));
        }
        return r;
    }

    /** k in Z, n in N, which goes with a family of solutions. */
    private static boolean isParameterCondition(Expr e) {
        return e instanceof Relation r && r.operators().equals(List.of('∈')) && r.operands().get(0) instanceof Symbol s
                && "kmnlpqjt".contains(s.name()) && r.operands().get(1) instanceof Expr.NamedSet set
                && Set.of("Z", "N").contains(set.name());
    }

    private static Expr expanded(Expr e) {
        if (!hasPlusMinus(e)) {
            return e;
        }
        return switch (e) {
            case Group g when g.isList() || g.isSet() -> new Group(g.open(), g.close(), g.items().stream()
                    .flatMap(item -> both(item).stream()).toList());
            case Statements s -> new Statements(s.joint() == '&' ? ',' : s.joint(), s.items().stream()
                    .flatMap(item -> both(item).stream()).toList());
            case Relation r -> new Statements('|', both(r));
            default -> new Group(',', ',', both(e));
        };
    }

    private static List<Expr> both(Expr e) {
        return hasPlusMinus(e) ? List.of(signed(e, 1), signed(e, -1)) : List.of(e);
    }

    private static boolean hasPlusMinus(Expr e) {
        return e instanceof PlusMinus || e.children().stream().anyMatch(Solutions::hasPlusMinus);
    }

    private static Expr signed(Expr e, int sign) {
        if (e instanceof PlusMinus p) {
            Expr operand = signed(p.operand(), sign);
            return p.sign() * sign > 0 ? operand : Expr.negative(operand);
        }
        return e.map(child -> signed(child, sign));
    }

    /** Whether an expression names something, so that an equation with it on the left states its value. */
    static boolean isLabel(Expr e) {
        return switch (e) {
            case Symbol s -> true;
            case Unknown u -> true;
            case Expr.Text t -> true;
            case Group g -> g.items().stream().allMatch(Solutions::isLabel);
            case Function f -> f.name().equals("abs") && isGeometric(f.arguments().get(0));
            case Product p -> isGeometric(p) || p.factors().stream().anyMatch(x -> x instanceof Unknown u
                    && "∠△".contains(u.name()));
            case Quotient q -> isGeometric(q.top()) && isGeometric(q.bottom());
            case Ratio r -> r.parts().stream().allMatch(Solutions::isLabel);
            default -> false;
        };
    }

    /** A segment, angle or event: capital letters side by side, perhaps before brackets. */
    private static boolean isGeometric(Expr e) {
        List<Expr> parts = e instanceof Product p ? p.factors() : List.of(e);
        for (int i = 0; i < parts.size(); i++) {
            boolean capital = parts.get(i) instanceof Symbol s && Character.isUpperCase(s.name().charAt(0));
            boolean overline = parts.get(i) instanceof Unknown u && u.name().equals("overline");
            boolean event = i > 0 && i == parts.size() - 1 && parts.get(i) instanceof Relation;
            if (!capital && !overline && !event) {
                return false;
            }
        }
        return true;
    }

    /** The values that equations with a label on one side state; null where the answer is something else. */
    static Named values(Expr e) {
        List<Expr> labels = new ArrayList<>();
        List<Expr> values = new ArrayList<>();
        List<Expr> items = e instanceof Statements s ? s.items() : List.of(e);
        for (Expr item : items) {
            if (item instanceof Statements inner) {
                Named named = values(inner);
                if (named == null) {
                    return null;
                }
                labels.add(new Group(',', ',', named.labels));
                values.add(new Group(',', ',', named.values));
            } else if (item instanceof Relation r) {
                if (r.operators().size() != 1 || r.operators().get(0) != '=' && r.operators().get(0) != '≡') {
                    return null;
                }
                Expr left = r.operands().get(0);
                Expr right = r.operands().get(1);
                boolean reversed = !isLabel(left) && right instanceof Symbol;
                Expr label = reversed ? right : left;
                Expr value = reversed ? left : right;
                if (!isLabel(label) || label instanceof Symbol s
                        && ScalarEquality.variables(value).contains(s.name())) {
                    return null;
                }
                labels.add(label);
                values.add(value);
            } else {
                // x = 1, 2: the label goes on
                if (labels.isEmpty()) {
                    return null;
                }
                labels.add(labels.get(labels.size() - 1));
                values.add(item);
            }
        }
        return new Named(labels, values);
    }

    /** What the equations of an answer come to without their labels; null where the answer is something else. */
    static Expr unlabelled(Expr e) {
        if (e instanceof Relation r && r.operators().contains('≡')) {
            return null;
        }
        if (e instanceof Relation r && r.isEquation() && ScalarEquality.variables(r).isEmpty()
                && r.operands().stream().noneMatch(o -> o instanceof Unknown || o instanceof Expr.Text)) {
            return r.operands().get(r.operands().size() - 1);
        }
        Named named = values(e);
        return named == null ? null : named.values.size() == 1 ? named.values.get(0)
                : new Group(',', ',', named.values);
    }
}
