package intuitor.eval.answer;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** A parsed answer: numbers, operations, and the forms in which answers are given (sets, tuples, relations, ...). */
sealed interface Expr {

    /**
     * A number as it was written.
     *
     * @param value    its exact value
     * @param decimals digits written after the decimal point: 0 for integers, -1 for repeating decimals (exact)
     * @param digits   significant digits written
     */
    record Num(Rational value, int decimals, int digits) implements Expr {
        Num(Rational value) {
            this(value, 0, 0);
        }
    }

    /** Numbers with a name. Infinity is an end of an interval or an answer, never part of a calculation. */
    enum Constant implements Expr { PI, E, I, INFINITY }

    /** A variable: one letter, perhaps with a subscript, or the name of a Greek letter. */
    record Symbol(String name) implements Expr { }

    record Sum(List<Expr> terms) implements Expr { }

    record Product(List<Expr> factors) implements Expr { }

    record Quotient(Expr top, Expr bottom) implements Expr { }

    /** Rational exponents with an odd denominator give the real root of a negative base, as schools teach it. */
    record Power(Expr base, Expr exponent) implements Expr { }

    /** A named function: {@code sin}, {@code log} (argument, base), {@code factorial}, {@code binom}, ... */
    record Function(String name, List<Expr> arguments) implements Expr { }

    /** A function that has no meaning of its own, as f in f(x). */
    record Unknown(String name, List<Expr> arguments) implements Expr { }

    /** A finite sum or product with a running index. */
    record Series(boolean product, String index, Expr from, Expr to, Expr body) implements Expr { }

    /** Plus-minus ({@code sign} 1) or minus-plus (-1) before an operand. */
    record PlusMinus(int sign, Expr operand) implements Expr { }

    record Percent(Expr value) implements Expr { }

    record Degrees(Expr value) implements Expr { }

    /** A value with a unit, its name in the normal form of {@link Units}. */
    record Quantity(Expr value, String unit) implements Expr { }

    /** {@code a : b : c}; {@code clock} where it may also be a time of day, as 6:30. */
    record Ratio(List<Expr> parts, boolean clock) implements Expr { }

    /**
     * Several items: {@code open} and {@code close} are the brackets as written, {@code ,} for a bare list, and
     * {@code {} for a set.
     */
    record Group(char open, char close, List<Expr> items) implements Expr {
        boolean isList() {
            return open == ',';
        }

        boolean isSet() {
            return open == '{';
        }

        boolean isTuple() {
            return open == '(' && close == ')';
        }

        /** Two ends in round or square brackets of any mixture. */
        boolean mayBeInterval() {
            return items.size() == 2 && (open == '(' || open == '[') && (close == ')' || close == ']');
        }
    }

    record Matrix(List<List<Expr>> rows) implements Expr {
        boolean isRectangular() {
            return rows.stream().allMatch(row -> row.size() == rows.get(0).size());
        }
    }

    /** Union, intersection or difference: {@code op} is one of &#8746; &#8745; &#8726;. */
    record SetOperation(char op, Expr left, Expr right) implements Expr { }

    /** {@code R}, {@code Z}, {@code N}, {@code Q}, {@code C}, or {@code empty}. */
    record NamedSet(String name) implements Expr { }

    /** {@code a < b <= c}: one operator between each two operands, among {@code = ≠ < > ≤ ≥ ∈ ∉ ≈ ≡ ~}. */
    record Relation(List<Expr> operands, List<Character> operators) implements Expr {
        boolean isEquation() {
            return operators.stream().allMatch(op -> op == '=');
        }
    }

    /** The residue class of a value, or the right of a congruence. The remainder is the function {@code mod}. */
    record Modulo(Expr value, Expr modulus) implements Expr { }

    /** The elements that fulfil a condition. */
    record Builder(Expr element, Expr condition) implements Expr { }

    /** Statements joined by {@code |} (or), {@code &} (and), {@code ,}. */
    record Statements(char joint, List<Expr> items) implements Expr { }

    /** Words. */
    record Text(String words) implements Expr { }

    Expr ZERO = new Num(Rational.ZERO);
    Expr ONE = new Num(Rational.ONE);

    static Expr number(long value) {
        return new Num(Rational.of(value));
    }

    static Expr negative(Expr e) {
        return e instanceof Num n ? new Num(n.value().negate(), n.decimals(), n.digits())
                : new Product(List.of(number(-1), e));
    }

    static Expr minus(Expr a, Expr b) {
        return new Sum(List.of(a, negative(b)));
    }

    static Expr function(String name, Expr... arguments) {
        return new Function(name, List.of(arguments));
    }

    /** The same node with every direct child replaced. */
    default Expr map(UnaryOperator<Expr> f) {
        return switch (this) {
            case Num e -> e;
            case Constant e -> e;
            case Symbol e -> e;
            case NamedSet e -> e;
            case Text e -> e;
            case Sum e -> new Sum(all(e.terms, f));
            case Product e -> new Product(all(e.factors, f));
            case Quotient e -> new Quotient(f.apply(e.top), f.apply(e.bottom));
            case Power e -> new Power(f.apply(e.base), f.apply(e.exponent));
            case Function e -> new Function(e.name, all(e.arguments, f));
            case Unknown e -> new Unknown(e.name, all(e.arguments, f));
            case Series e -> new Series(e.product, e.index, f.apply(e.from), f.apply(e.to), f.apply(e.body));
            case PlusMinus e -> new PlusMinus(e.sign, f.apply(e.operand));
            case Percent e -> new Percent(f.apply(e.value));
            case Degrees e -> new Degrees(f.apply(e.value));
            case Quantity e -> new Quantity(f.apply(e.value), e.unit);
            case Ratio e -> new Ratio(all(e.parts, f), e.clock);
            case Group e -> new Group(e.open, e.close, all(e.items, f));
            case Matrix e -> new Matrix(e.rows.stream().map(row -> all(row, f)).toList());
            case SetOperation e -> new SetOperation(e.op, f.apply(e.left), f.apply(e.right));
            case Relation e -> new Relation(all(e.operands, f), e.operators);
            case Modulo e -> new Modulo(f.apply(e.value), f.apply(e.modulus));
            case Builder e -> new Builder(f.apply(e.element), f.apply(e.condition));
            case Statements e -> new Statements(e.joint, all(e.items, f));
        };
    }

    /** The direct children. */
    default List<Expr> children() {
        List<Expr> found = new ArrayList<>();
        map(child -> {
            found.add(child);
            return child;
        });
        return found;
    }

    private static List<Expr> all(List<Expr> list, UnaryOperator<Expr> f) {
        List<Expr> result = new ArrayList<>(list.size());
        for (Expr e : list) {
            result.add(f.apply(e));
        }
        return result;
    }
}
