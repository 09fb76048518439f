package intuitor.eval.answer;

import intuitor.eval.answer.Expr.Num;
import intuitor.eval.answer.Expr.Percent;
import intuitor.eval.answer.Expr.Product;
import intuitor.eval.answer.Expr.Quantity;
import intuitor.eval.answer.Expr.Symbol;
import intuitor.eval.answer.Token.Kind;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Units after values: {@code 5\text{ cm}^2}, {@code 30 miles/hour}, {@code 5 feet 3 inches}. */
final class Measures {
    /** Words that begin a remark, not a unit. */
    private static final Set<String> NO_UNITS = Set.of("where", "for", "if", "when", "with", "such", "is", "are", "as",
            "which", "since", "because", "so", "then", "thus", "hence", "therefore", "not", "but", "if and only if",
            "such that", "for all", "for any", "for some", "to");

    private Measures() { }

    /** The value with the unit that stands at the cursor; null, and nothing read, where no unit stands there. */
    static Expr unit(Expr value, Cursor cursor) {
        Token first = cursor.peek();
        String word = first.text().toLowerCase(Locale.ROOT);
        String head = word.contains(" ") ? word.substring(0, word.indexOf(' ')) : word;
        if (NO_UNITS.contains(word) || NO_UNITS.contains(head)) {
            return null;
        }
        if (word.length() == 1 && !(Units.isUnit(word) && isNumeric(value))) {
            cursor.next();
            Expr symbol = word.equals("e") ? Expr.Constant.E : word.equals("i") ? Expr.Constant.I
                    : new Symbol(first.text());
            return new Product(List.of(value, symbol));
        }
        StringBuilder unit = new StringBuilder(cursor.next().text());
        while (true) {
            Token token = cursor.peek();
            if (token.is(Kind.WORD) && !NO_UNITS.contains(token.text().toLowerCase(Locale.ROOT))) {
                unit.append(' ').append(cursor.next().text());
            } else if (token.is("^") && cursor.peek(1).is(Kind.NUMBER)) {
                cursor.next();
                unit.append('^').append(cursor.next().text());
            } else if (token.is("^") && cursor.peek(1).is("{") && cursor.peek(2).is(Kind.NUMBER)) {
                cursor.next();
                cursor.next();
                unit.append('^').append(cursor.next().text());
                cursor.expect("}");
            } else if (token.is("/") && (cursor.peek(1).is(Kind.WORD) || cursor.peek(1).is(Kind.LETTER))) {
                cursor.next();
                unit.append('/').append(cursor.next().text());
            } else {
                break;
            }
        }
        String normal = Units.normalise(unit.toString());
        return switch (normal) {
            case "percent" -> new Percent(value);
            case "degrees", "degree" -> new Expr.Degrees(value);
            case "hundred" -> times(value, 100);
            case "thousand" -> times(value, 1000);
            case "million" -> times(value, 1_000_000);
            case "billion" -> times(value, 1_000_000_000);
            default -> value instanceof Quantity q && q.unit().equals(normal) ? q : new Quantity(value, normal);
        };
    }

    private static Expr times(Expr value, long factor) {
        return value instanceof Quantity q ? new Quantity(times(q.value(), factor), q.unit())
                : new Product(List.of(value, Expr.number(factor)));
    }

    private static boolean isNumeric(Expr e) {
        return e instanceof Num || e instanceof Expr.Constant || !(e instanceof Symbol) && !e.children().isEmpty()
                && e.children().stream().allMatch(Measures::isNumeric);
    }

    /** {@code 5 feet 3 inches} in the first unit. */
    static Expr add(Quantity first, Expr second) {
        Units.Unit a = Units.find(first.unit());
        Units.Unit b = second instanceof Quantity q ? Units.find(q.unit()) : null;
        if (a == null || b == null || !a.dimension().equals(b.dimension())) {
            throw new NoValueException("units do not add");
        }
        Expr converted = new Product(List.of(((Quantity) second).value(), new Num(b.factor().over(a.factor()))));
        return new Quantity(new Expr.Sum(List.of(first.value(), converted)), first.unit());
    }
}
