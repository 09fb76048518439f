package intuitor.eval.answer;

import intuitor.eval.answer.ArithmeticParser.Context;
import intuitor.eval.answer.Expr.Constant;
import intuitor.eval.answer.Expr.Function;
import intuitor.eval.answer.Expr.Group;
import intuitor.eval.answer.Expr.Matrix;
import intuitor.eval.answer.Expr.NamedSet;
import intuitor.eval.answer.Expr.Num;
import intuitor.eval.answer.Expr.Power;
import intuitor.eval.answer.Expr.Quantity;
import intuitor.eval.answer.Expr.Quotient;
import intuitor.eval.answer.Expr.Series;
import intuitor.eval.answer.Expr.Symbol;
import intuitor.eval.answer.Expr.Unknown;
import intuitor.eval.answer.Token.Kind;
import java.util.List;
import java.util.Locale;

/** Reads what stands between operators: numbers, letters, commands, functions, environments and brackets. */
final class PrimaryParser {
    private final Cursor cursor;
    private final Parser parser;
    private final ArithmeticParser arithmetic;

    PrimaryParser(Cursor cursor, Parser parser, ArithmeticParser arithmetic) {
        this.cursor = cursor;
        this.parser = parser;
        this.arithmetic = arithmetic;
    }

    Expr primary() {
        Token token = cursor.next();
        return switch (token.kind()) {
            case NUMBER -> number(token);
            case NUMERAL -> {
                cursor.expect("_");
                yield Numerals.inBase(token.text(), base());
            }
            case LETTER -> letter(token);
            case FUNCTION -> new FunctionParser(cursor, parser, arithmetic).function(token.text());
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
    int base() {
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
        return arithmetic.argument(false) instanceof Num n ? n.value().intValue(36) : 0;
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
            if (arithmetic.argument(false) instanceof Num n && n.value().equals(Rational.of(-1))
                    && cursor.peek().is("(")) {
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
        boolean simple = several || argument.children().isEmpty() || argument instanceof Expr.Relation
                || argument instanceof Expr.SetOperation;
        if (Character.isUpperCase(name.charAt(0)) && simple) {
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
        Expr top = arithmetic.argument(true);
        return new Quotient(top, arithmetic.argument(true));
    }

    private Expr command(String name) {
        return switch (name) {
            case "frac" -> fraction();
            case "binom" -> {
                Expr n = arithmetic.argument(true);
                yield Expr.function("binom", n, arithmetic.argument(true));
            }
            case "sqrt", "sqrt*" -> root(name.equals("sqrt"));
            case "overline" -> new Unknown("overline", List.of(arithmetic.argument(true)));
            case "sum", "prod" -> series(name.equals("prod"));
            default -> throw new NoValueException("unknown command \\" + name);
        };
    }

    private Expr root(boolean latex) {
        Expr degree = null;
        if (cursor.accept("[")) {
            Context outer = arithmetic.enterBrackets(false);
            degree = arithmetic.sum();
            arithmetic.leaveBrackets(outer);
            cursor.expect("]");
        }
        Expr radicand = arithmetic.argument(latex);
        return degree == null ? new Power(radicand, new Num(Rational.HALF))
                : new Power(radicand, new Quotient(Expr.ONE, degree));
    }

    private Expr series(boolean product) {
        cursor.expect("_");
        cursor.expect("{");
        String index = cursor.next().text();
        cursor.expect("=");
        Expr from = arithmetic.sum();
        cursor.expect("}");
        cursor.expect("^");
        Expr to = arithmetic.argument(true);
        return new Series(product, index, from, to, arithmetic.term());
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
                Context outer = arithmetic.enterBars();
                Expr inside = parser.statement();
                arithmetic.leaveBrackets(outer);
                cursor.expect("|");
                yield Expr.function("abs", inside);
            }
            case "‖" -> {
                Context outer = arithmetic.enterBars();
                Expr inside = arithmetic.sum();
                arithmetic.leaveBrackets(outer);
                cursor.expect("‖");
                yield new Unknown("norm", List.of(inside));
            }
            case "⌊" -> enclosed("floor", "⌋");
            case "⌈" -> enclosed("ceil", "⌉");
            case "∞" -> Constant.INFINITY;
            case "∅" -> new NamedSet("empty");
            case "∠", "△" -> new Unknown(sign, List.of(arithmetic.term()));
            case "$", "€", "£", "¥", "₹" -> new Quantity(arithmetic.suffixes(primary()), Units.normalise(sign));
            case "_", "^" -> leadingIndex();
            case "…" -> new Expr.Text("…");
            default -> throw new NoValueException("unexpected " + sign);
        };
    }

    private Expr enclosed(String function, String close) {
        Context outer = arithmetic.enterBrackets(false);
        Expr inside = arithmetic.sum();
        arithmetic.leaveBrackets(outer);
        cursor.expect(close);
        return Expr.function(function, inside);
    }

    /** {@code {}_5C_2}, {@code ^5C_2}: combinations and permutations. */
    private Expr leadingIndex() {
        Expr n = arithmetic.argument(false);
        Token letter = cursor.next();
        if (!letter.is(Kind.LETTER) || !"CP".contains(letter.text())) {
            throw cursor.error();
        }
        cursor.expect("_");
        return Expr.function(letter.text().equals("C") ? "binom" : "permutations", n, arithmetic.argument(false));
    }
}
