package intuitor.eval.answer;

import intuitor.eval.answer.Expr.Function;
import intuitor.eval.answer.Expr.Group;
import intuitor.eval.answer.Expr.Num;
import intuitor.eval.answer.Expr.Power;
import intuitor.eval.answer.Expr.Product;
import intuitor.eval.answer.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Reads a named function with its power, base and argument: {@code \sin^2 2x}, {@code \log_2(x+1)}, {@code \ln 5}. */
final class FunctionParser {
    private static final Set<String> INVERTIBLE = Set.of("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh",
            "tanh");

    private final Cursor cursor;
    private final Parser parser;
    private final ArithmeticParser arithmetic;

    FunctionParser(Cursor cursor, Parser parser, ArithmeticParser arithmetic) {
        this.cursor = cursor;
        this.parser = parser;
        this.arithmetic = arithmetic;
    }

    /** The function whose name has been read. */
    Expr function(String name) {
        Expr base = null;
        Expr power = null;
        while (true) {
            if (base == null && cursor.accept("_")) {
                base = base();
            } else if (power == null && cursor.accept("^")) {
                power = small();
            } else {
                break;
            }
        }
        if (power instanceof Num n && n.value().equals(Rational.of(-1)) && INVERTIBLE.contains(name)) {
            name = "arc" + name;
            power = null;
        }
        List<Expr> arguments = arguments();
        if (name.equals("log")) {
            arguments = List.of(single(arguments), base == null ? Expr.number(10) : base);
        } else if (base != null) {
            throw cursor.error();
        } else if (name.equals("exp")) {
            return raise(new Power(Expr.Constant.E, single(arguments)), power);
        } else if (name.equals("cbrt")) {
            return raise(new Power(single(arguments), new Num(Rational.of(1, 3))), power);
        }
        return raise(new Function(name, arguments), power);
    }

    private static Expr raise(Expr e, Expr power) {
        return power == null ? e : new Power(e, power);
    }

    private Expr single(List<Expr> arguments) {
        if (arguments.size() != 1) {
            throw cursor.error();
        }
        return arguments.get(0);
    }

    /** The base of a logarithm: a number without braces is the base up to the digits that the argument needs. */
    private Expr base() {
        if (cursor.peek().is(Kind.NUMBER)) {
            Token after = cursor.peek(1);
            boolean alone = after.is(Kind.END) || after.is(Kind.SIGN) && !"({|".contains(after.text());
            if (alone) {
                cursor.splitFirstDigit();
            }
        }
        return small();
    }

    private Expr small() {
        if (cursor.accept("{")) {
            Expr content = parser.braced();
            if (content == null) {
                throw cursor.error();
            }
            return content;
        }
        if (cursor.accept("-")) {
            return Expr.negative(small());
        }
        Token token = cursor.peek();
        if (token.is(Kind.NUMBER)) {
            cursor.next();
            return Numerals.number(token.text());
        }
        if (token.is(Kind.LETTER)) {
            cursor.next();
            return token.text().equals("e") ? Expr.Constant.E : new Expr.Symbol(token.text());
        }
        throw cursor.error();
    }

    private List<Expr> arguments() {
        if (cursor.peek().is("(") || cursor.peek().is("[") || cursor.peek().is("\\{")) {
            String open = cursor.next().text();
            Expr inside = parser.bracketed(open);
            return inside instanceof Group g ? g.items() : List.of(inside);
        }
        if (cursor.accept("-")) {
            return List.of(Expr.negative(product()));
        }
        return List.of(product());
    }

    /** Factors without signs between them, up to the next function: {@code \sin 2x \cos x}. */
    private Expr product() {
        List<Expr> factors = new ArrayList<>();
        do {
            factors.add(arithmetic.factor());
        } while (continues());
        return factors.size() == 1 ? factors.get(0) : new Product(factors);
    }

    private boolean continues() {
        Token token = cursor.peek();
        return switch (token.kind()) {
            case LETTER -> true;
            case COMMAND -> token.text().startsWith("sqrt") || token.text().equals("frac");
            case SIGN -> token.is("(") && !token.spaced() && !cursor.peek(-1).is(")");
            default -> false;
        };
    }
}
