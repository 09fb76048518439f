package intuitor.eval.answer;

import intuitor.eval.answer.Expr.Constant;
import intuitor.eval.answer.Expr.Degrees;
import intuitor.eval.answer.Expr.Function;
import intuitor.eval.answer.Expr.Group;
import intuitor.eval.answer.Expr.Matrix;
import intuitor.eval.answer.Expr.NamedSet;
import intuitor.eval.answer.Expr.Num;
import intuitor.eval.answer.Expr.Percent;
import intuitor.eval.answer.Expr.PlusMinus;
import intuitor.eval.answer.Expr.Power;
import intuitor.eval.answer.Expr.Product;
import intuitor.eval.answer.Expr.Quantity;
import intuitor.eval.answer.Expr.Quotient;
import intuitor.eval.answer.Expr.Series;
import intuitor.eval.answer.Expr.Sum;
import intuitor.eval.answer.Expr.Symbol;
import intuitor.eval.answer.Expr.Unknown;
import intuitor.eval.answer.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
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
    private Context context = new Context(0, false);

    ArithmeticParser(Cursor cursor, Parser parser) {
        this.cursor = cursor;
        this.parser = parser;
    }

    Context enterBrackets(boolean builder) {
        Context outer = context;
        context = new Context(0, builder);
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

    private Expr term() {
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
                case "(" -> !cursor.peek(1).is("mod") && !cursor.peek(1).is("pmod");
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
        Expr e = suffixes(primary());
        cursor.leave();
        return e;
    }

    private Expr suffixes(Expr e) {
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
                e = Numerals.inBase(n.value().toString(), base());
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
    private Expr argument(boolean oneDigit) {
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
                return primary();
            }
            Expr e = primary();
            return cursor.accept("^") ? superscript(e) : e;
        } finally {
            cursor.leave();
        }
    }

    private Expr primary() {
        Token token = cursor.next();
        return switch (token.kind()) {
            case NUMBER -> number(token);
            case NUMERAL -> {
                cursor.expect("_");
                yield Numerals.inBase(token.text(), base());
            }
            case LETTER -> letter(token);
            case FUNCTION -> new FunctionParser(cursor, parser, this).function(token.text());
            case COMMAND -> command(token.text());
            case BEGIN -> environment(token.text());
            case SET -> new NamedSet(token.text());
            case WORD -> token.text().length() == 1 ? new Symbol(token.text()) : words(token);
            case SIGN -> sign(token.text());
            default -> throw new NoValueException("unexpected end");
        };
    }

    private Expr words(Token first) {
        StringBuilder all = new StringBuilder(first.text());
        while (cursor.peek().is(Kind.WORD)) {
            all.append(' ').append(cursor.next().text());
        }
        return new Expr.Text(all.toString());
    }

    private Expr number(Token token) {
        if (cursor.accept("_")) {
            return Numerals.inBase(token.text(), base());
        }
        Expr value = Numerals.number(token.text());
        if (!(value instanceof Num whole) || whole.decimals() != 0) {
            return value;
        }
        // a whole number right before a proper fraction of digits: a mixed number
        int mark = cursor.mark();
        Expr fraction = null;
        if (cursor.peek().is(Kind.COMMAND) && cursor.peek().text().equals("frac")) {
            cursor.next();
            fraction = fraction();
        } else if (cursor.peek().is(Kind.NUMBER) && cursor.peek().spaced() && cursor.peek(1).is("/")
                && cursor.peek(2).is(Kind.NUMBER)) {
            Expr top = Numerals.number(cursor.next().text());
            cursor.next();
            fraction = new Quotient(top, Numerals.number(cursor.next().text()));
        }
        if (fraction instanceof Quotient q && q.top() instanceof Num a && q.bottom() instanceof Num b
                && a.decimals() == 0 && b.decimals() == 0 && a.value().signum() > 0
                && a.value().compareTo(b.value()) < 0) {
            return new Num(whole.value().plus(a.value().over(b.value())));
        }
        cursor.reset(mark);
        return value;
    }

    /** The base of a numeral in a subscript: a number, or its name in words. */
    private int base() {
        Token token = cursor.peek();
        if (token.is("{") && cursor.peek(1).is(Kind.WORD)) {
            cursor.next();
            int base = Numerals.baseNamed(cursor.next().text().toLowerCase(Locale.ROOT));
            cursor.expect("}");
            return base;
        }
        if (token.is(Kind.WORD)) {
            return Numerals.baseNamed(cursor.next().text().toLowerCase(Locale.ROOT));
        }
        return argument(false) instanceof Num n ? n.value().intValue(36) : 0;
    }

    private Expr letter(Token token) {
        String name = token.text();
        boolean plain = !cursor.peek().is("_") && !cursor.peek().is("'");
        if (plain && name.equals("pi")) {
            return Constant.PI;
        }
        if (plain && name.equals("e")) {
            return Constant.E;
        }
        if (plain && name.equals("i")) {
            return Constant.I;
        }
        while (true) {
            if (cursor.accept("_")) {
                name += "_" + subscript();
            } else if (cursor.accept("'")) {
                name += "'";
            } else {
                break;
            }
        }
        int mark = cursor.mark();
        if ("fghFGH".indexOf(name.charAt(0)) >= 0 && cursor.accept("^")) {
            if (argument(false) instanceof Num n && n.value().equals(Rational.of(-1)) && cursor.peek().is("(")) {
                name += "^-1";
            } else {
                cursor.reset(mark);
            }
        }
        if (cursor.peek().is("(") && !cursor.peek().spaced()) {
            return application(name);
        }
        return new Symbol(name);
    }

    /** A letter before brackets: a function by custom (f, g, h), C(n, k), a labelled point; else a factor. */
    private Expr application(String name) {
        int mark = cursor.mark();
        cursor.next();
        Expr argument = parser.bracketed("(");
        boolean several = argument instanceof Group g && g.isTuple();
        List<Expr> arguments = several ? ((Group) argument).items() : List.of(argument);
        if ("fghFGH".indexOf(name.charAt(0)) >= 0) {
            return new Unknown(name, arguments);
        }
        if (several && arguments.size() == 2 && arguments.stream().allMatch(e -> e instanceof Num n
                && n.value().isInteger())) {
            if (name.equals("C")) {
                return new Function("binom", arguments);
            }
            if (name.equals("P")) {
                return new Function("permutations", arguments);
            }
        }
        if (Character.isUpperCase(name.charAt(0))) {
            return new Unknown(name, arguments);
        }
        cursor.reset(mark);
        return new Symbol(name);
    }

    private String subscript() {
        StringBuilder name = new StringBuilder();
        if (!cursor.accept("{")) {
            return cursor.next().text();
        }
        for (int open = 1; open > 0;) {
            Token token = cursor.next();
            if (token.is(Kind.END)) {
                throw cursor.error();
            }
            open += token.is("{") ? 1 : token.is("}") ? -1 : 0;
            name.append(open > 0 ? token.text() : "");
        }
        return name.toString();
    }

    private Expr fraction() {
        Expr top = argument(true);
        return new Quotient(top, argument(true));
    }

    private Expr command(String name) {
        return switch (name) {
            case "frac" -> fraction();
            case "binom" -> {
                Expr n = argument(true);
                yield Expr.function("binom", n, argument(true));
            }
            case "sqrt", "sqrt*" -> root(name.equals("sqrt"));
            case "overline" -> new Unknown("overline", List.of(argument(true)));
            case "sum", "prod" -> series(name.equals("prod"));
            default -> throw new NoValueException("unknown command \\" + name);
        };
    }

    private Expr root(boolean latex) {
        Expr degree = null;
        if (cursor.accept("[")) {
            Context outer = enterBrackets(false);
            degree = sum();
            leaveBrackets(outer);
            cursor.expect("]");
        }
        Expr radicand = argument(latex);
        return degree == null ? new Power(radicand, new Num(Rational.HALF))
                : new Power(radicand, new Quotient(Expr.ONE, degree));
    }

    private Expr series(boolean product) {
        cursor.expect("_");
        cursor.expect("{");
        String index = cursor.next().text();
        cursor.expect("=");
        Expr from = sum();
        cursor.expect("}");
        cursor.expect("^");
        Expr to = argument(true);
        return new Series(product, index, from, to, term());
    }

    private Expr environment(String name) {
        List<List<Expr>> rows = parser.rows();
        return switch (name) {
            case "pmatrix", "bmatrix", "matrix", "Bmatrix", "smallmatrix", "array" -> new Matrix(rows);
            case "vmatrix" -> Expr.function("det", new Matrix(rows));
            case "cases", "aligned", "align", "gathered", "split" -> Parser.system(rows);
            default -> throw new NoValueException("unknown environment " + name);
        };
    }

    private Expr sign(String sign) {
        return switch (sign) {
            case "(", "[", "\\{", "⟨", "]" -> Matrices.ofNested(parser.bracketed(sign));
            case "{" -> {
                Expr content = parser.braced();
                yield content != null ? content : primary();
            }
            case "|" -> {
                Context outer = context;
                context = new Context(outer.bars + 1, false);
                Expr inside = parser.statement();
                context = outer;
                cursor.expect("|");
                yield Expr.function("abs", inside);
            }
            case "‖" -> {
                Context outer = context;
                context = new Context(outer.bars + 1, false);
                Expr inside = sum();
                context = outer;
                cursor.expect("‖");
                yield new Unknown("norm", List.of(inside));
            }
            case "⌊" -> enclosed("floor", "⌋");
            case "⌈" -> enclosed("ceil", "⌉");
            case "∞" -> Constant.INFINITY;
            case "∅" -> new NamedSet("empty");
            case "∠", "△" -> new Unknown(sign, List.of(term()));
            case "$", "€", "£", "¥", "₹" -> new Quantity(suffixes(primary()), Units.normalise(sign));
            case "_", "^" -> leadingIndex();
            case "…" -> new Expr.Text("…");
            default -> throw new NoValueException("unexpected " + sign);
        };
    }

    private Expr enclosed(String function, String close) {
        Context outer = enterBrackets(false);
        Expr inside = sum();
        leaveBrackets(outer);
        cursor.expect(close);
        return Expr.function(function, inside);
    }

    /** {@code {}_5C_2}, {@code ^5C_2}: combinations and permutations. */
    private Expr leadingIndex() {
        Expr n = argument(false);
        Token letter = cursor.next();
        if (!letter.is(Kind.LETTER) || !"CP".contains(letter.text())) {
            throw cursor.error();
        }
        cursor.expect("_");
        return Expr.function(letter.text().equals("C") ? "binom" : "permutations", n, argument(false));
    }
}
