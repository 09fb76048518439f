package intuitor.eval.answer;

import intuitor.eval.answer.Expr.Degrees;
import intuitor.eval.answer.Expr.Matrix;
import intuitor.eval.answer.Expr.Num;
import intuitor.eval.answer.Expr.Percent;
import intuitor.eval.answer.Expr.PlusMinus;
import intuitor.eval.answer.Expr.Power;
import intuitor.eval.answer.Expr.Product;
import intuitor.eval.answer.Expr.Quantity;
import intuitor.eval.answer.Expr.Quotient;
import intuitor.eval.answer.Expr.Sum;
import intuitor.eval.answer.Expr.Symbol;
import intuitor.eval.answer.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Reads sums, products, powers and functions, with multiplication signs left out, and units after numbers. */
final class ArithmeticParser {
    /** Longer chains of factors, and of signs after one, are no answers, and would nest too deeply. */
    private static final int MAX_CHAIN = 300;
    private static final int MAX_SUFFIXES = 8;
    private static final Set<String> OPERAND_COMMANDS = Set.of("frac", "sqrt", "sqrt*", "binom", "sum", "prod",
            "overline");

    /** What the bar | means here: the end of an absolute value, the middle of a set builder, or a beginning. */
    record Context(int bars, boolean builder) { }

    private final Cursor cursor;
    private final Parser parser;
    private final PrimaryParser primary;
    private Context context = new Context(0, false);

    ArithmeticParser(Cursor cursor, Parser parser) {
        this.cursor = cursor;
        this.parser = parser;
        this.primary = new PrimaryParser(cursor, parser, this);
    }

    Context enterBrackets(boolean builder) {
        Context outer = context;
        context = new Context(0, builder);
        return outer;
    }

    Context enterBars() {
        Context outer = context;
        context = new Context(outer.bars + 1, false);
        return outer;
    }

    void leaveBrackets(Context outer) {
        context = outer;
    }

    boolean inBuilder() {
        return context.builder;
    }

    Expr sum() {
        cursor.enter();
        List<Expr> terms = new ArrayList<>();
        terms.add(signed());
        while (cursor.peek().is("+") || cursor.peek().is("-") || cursor.peek().is("±") || cursor.peek().is("∓")) {
            terms.add(signed());
        }
        cursor.leave();
        return terms.size() == 1 ? terms.get(0) : new Sum(terms);
    }

    private Expr signed() {
        if (cursor.accept("-")) {
            return Expr.negative(signedAgain());
        }
        if (cursor.accept("+")) {
            return signedAgain();
        }
        if (cursor.accept("±")) {
            return new PlusMinus(1, signedAgain());
        }
        return cursor.accept("∓") ? new PlusMinus(-1, signedAgain()) : term();
    }

    private Expr signedAgain() {
        cursor.enter();
        Expr e = signed();
        cursor.leave();
        return e;
    }

    Expr term() {
        Expr left = factor();
        for (int i = 0; i < MAX_CHAIN; i++) {
            Token token = cursor.peek();
            if (token.is("*")) {
                cursor.next();
                left = times(left, signedFactor());
            } else if (token.is("/")) {
                cursor.next();
                left = new Quotient(left, signedFactor());
            } else if (token.is(Kind.WORD)) {
                Expr with = Measures.unit(left, cursor);
                if (with == null) {
                    return left;
                }
                left = with;
            } else if (left instanceof Quantity q && token.is(Kind.NUMBER)) {
                left = Measures.add(q, term());
            } else if (token.is(Kind.SIGN) && "$€£¥₹".contains(token.text()) && !token.text().isEmpty()) {
                cursor.next();
                left = new Quantity(left, Units.normalise(token.text()));
            } else if (token.is("choose")) {
                cursor.next();
                left = Expr.function("binom", left, factor());
            } else if (token.is("over")) {
                cursor.next();
                left = new Quotient(left, sum());
            } else if (startsFactor(token)) {
                left = times(left, factor());
            } else {
                return left;
            }
        }
        throw cursor.error();
    }

    private Expr signedFactor() {
        cursor.enter();
        Expr e = cursor.accept("-") ? Expr.negative(signedFactor()) : cursor.accept("+") ? signedFactor() : factor();
        cursor.leave();
        return e;
    }

    private static Expr times(Expr left, Expr right) {
        if (right instanceof Expr.Text t) {
            return new Quantity(left, Units.normalise(t.words()));
        }
        if (left instanceof Expr.Text) {
            throw new NoValueException("words before a formula");
        }
        if (left instanceof Product p) {
            List<Expr> factors = new ArrayList<>(p.factors());
            factors.add(right);
            return new Product(factors);
        }
        return new Product(List.of(left, right));
    }

    private boolean startsFactor(Token token) {
        return switch (token.kind()) {
            case LETTER, FUNCTION, BEGIN, NUMERAL -> true;
            case NUMBER -> !cursor.peek(-1).is(Kind.NUMBER);
            case COMMAND -> OPERAND_COMMANDS.contains(token.text());
            case SIGN -> switch (token.text()) {
                case "(" -> !Parser.isModulus(cursor.peek(1));
                case "{", "⌊", "⌈", "∠", "∞" -> true;
                case "[" -> cursor.peek(1).is(Kind.LETTER) || cursor.peek(1).is(Kind.NUMBER) || cursor.peek(1).is("-")
                        || cursor.peek(1).is("(") || cursor.peek(1).is(Kind.COMMAND);
                case "|", "‖" -> context.bars == 0 && !context.builder;
                default -> false;
            };
            default -> false;
        };
    }

    /** A primary with its powers, factorials, signs for percent and degrees. */
    Expr factor() {
        cursor.enter();
        Expr e = suffixes(primary.primary());
        cursor.leave();
        return e;
    }

    Expr suffixes(Expr e) {
        for (int i = 0; i < MAX_SUFFIXES; i++) {
            if (cursor.accept("!")) {
                boolean twice = cursor.peek().is("!") && !cursor.peek().spaced() && cursor.accept("!");
                e = Expr.function(twice ? "factorial2" : "factorial", e);
            } else if (cursor.accept("%")) {
                e = new Percent(e);
            } else if (cursor.accept("°") || cursor.accept("∘")) {
                e = new Degrees(e);
                cursor.accept("%");
            } else if (e instanceof Num n && n.value().isInteger() && n.value().signum() >= 0 && cursor.peek(-1).is(")")
                    && cursor.accept("_")) {
                e = Numerals.inBase(n.value().toString(), primary.base());
            } else if (cursor.accept("^")) {
                e = superscript(e);
            } else {
                return e;
            }
        }
        throw cursor.error();
    }

    private Expr superscript(Expr e) {
        if (cursor.accept("∘") || cursor.accept("°")) {
            return new Degrees(e);
        }
        if (cursor.peek().is("{") && (cursor.peek(1).is("∘") || cursor.peek(1).is("°")) && cursor.peek(2).is("}")) {
            cursor.next();
            cursor.next();
            cursor.next();
            return new Degrees(e);
        }
        Expr exponent = argument(false);
        if (exponent instanceof Symbol s && s.name().equals("T") && e instanceof Matrix) {
            return Expr.function("transpose", e);
        }
        return new Power(e, exponent);
    }

    /**
     * An argument as of \frac or ^: a group in braces, else the next primary.
     *
     * @param oneDigit whether a number without braces gives only its first digit, as TeX reads it
     */
    Expr argument(boolean oneDigit) {
        cursor.enter();
        try {
            if (cursor.accept("-")) {
                return Expr.negative(argument(oneDigit));
            }
            if (cursor.accept("+")) {
                return argument(oneDigit);
            }
            if (cursor.accept("{")) {
                Expr content = parser.braced();
                if (content == null) {
                    throw cursor.error();
                }
                return content;
            }
            if (oneDigit) {
                cursor.splitFirstDigit();
                return primary.primary();
            }
            Expr e = primary.primary();
            return cursor.accept("^") ? superscript(e) : e;
        } finally {
            cursor.leave();
        }
    }
}
