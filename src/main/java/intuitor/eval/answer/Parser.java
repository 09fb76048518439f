package intuitor.eval.answer;

import intuitor.eval.answer.Expr.Builder;
import intuitor.eval.answer.Expr.Group;
import intuitor.eval.answer.Expr.Modulo;
import intuitor.eval.answer.Expr.NamedSet;
import intuitor.eval.answer.Expr.Num;
import intuitor.eval.answer.Expr.Ratio;
import intuitor.eval.answer.Expr.Relation;
import intuitor.eval.answer.Expr.SetOperation;
import intuitor.eval.answer.Expr.Statements;
import intuitor.eval.answer.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Reads whole answers: lists, relations, sets, intervals, tuples. {@link ArithmeticParser} reads what stands in them.
 * Whatever cannot be read throws {@link NoValueException}; such answers are compared as strings.
 */
final class Parser {
    private static final String RELATIONS = "=≠<>≤≥∈∉≈≡~⊂⊆";

    private final Cursor cursor;
    private final ArithmeticParser arithmetic;

    private Parser(Cursor cursor) {
        this.cursor = cursor;
        this.arithmetic = new ArithmeticParser(cursor, this);
    }

    /** @param answer in the notation of {@link Notation} */
    static Expr parse(String answer, Budget budget) {
        Cursor cursor = new Cursor(Lexer.tokens(answer), budget);
        return new Parser(cursor).answer();
    }

    private Expr answer() {
        if (cursor.peek().is("=") || cursor.peek().is("≈")) {
            cursor.next();
        }
        Expr all = list(Kind.END, null);
        if (!cursor.atEnd()) {
            throw cursor.error();
        }
        return all;
    }

    /** What separates statements. */
    private static final class Joints {
        private char joint = ',';
        private boolean semicolon;
    }

    /** Statements with what joins them, up to the token of this kind or sign, which is left. */
    private Expr list(Kind end, String close) {
        List<List<Expr>> groups = new ArrayList<>();
        groups.add(new ArrayList<>());
        Joints joints = new Joints();
        boolean semicolons = false;
        while (true) {
            groups.get(groups.size() - 1).add(statement());
            boolean separated = separators(joints);
            if (close == null ? cursor.peek().is(end) : cursor.peek().is(close)) {
                break;
            }
            if (!separated) {
                throw cursor.error();
            }
            if (joints.semicolon) {
                semicolons = true;
                joints.semicolon = false;
                groups.add(new ArrayList<>());
            }
        }
        boolean nested = semicolons && groups.stream().anyMatch(g -> g.size() > 1);
        List<Expr> items = new ArrayList<>();
        for (List<Expr> group : groups) {
            if (nested) {
                items.add(join(',', group));
            } else {
                items.addAll(group);
            }
        }
        return join(joints.joint, items);
    }

    private boolean separators(Joints joints) {
        boolean any = false;
        while (true) {
            if (cursor.accept(";")) {
                joints.semicolon = true;
            } else if (cursor.accept("∨")) {
                joints.joint = '|';
            } else if (cursor.accept("∧")) {
                joints.joint = joints.joint == '|' ? '|' : '&';
            } else if (!cursor.accept(",") && !cursor.accept("\\\\") && !fullStop() && !condition()) {
                return any;
            }
            any = true;
        }
    }

    /** A full stop at the end. */
    private boolean fullStop() {
        return cursor.peek().is(".") && cursor.peek(1).is(Kind.END) && cursor.accept(".");
    }

    private static Expr join(char joint, List<Expr> items) {
        if (items.size() == 1) {
            return items.get(0);
        }
        boolean statements = items.stream().anyMatch(e -> e instanceof Relation || e instanceof Statements);
        return statements ? new Statements(joint, items) : new Group(',', ',', items);
    }

    /** Skips "where k is an integer" and the like; the names of parameters are of no consequence. */
    private boolean condition() {
        if (!cursor.peek().is(Kind.WORD) && !cursor.peek().is("∀")) {
            return false;
        }
        int start = cursor.mark();
        StringBuilder words = new StringBuilder();
        boolean integers = false;
        while (!cursor.atEnd()) {
            Token token = cursor.next();
            words.append(token.text()).append(' ');
            integers |= token.is(Kind.SET);
        }
        String text = words.toString().toLowerCase(Locale.ROOT);
        if ((integers || text.contains("integer")) && text.matches("(?:where|for|with|∀|such that|and)\\b?.*")) {
            return true;
        }
        cursor.reset(start);
        return false;
    }

    /** A relation or a single expression. */
    Expr statement() {
        cursor.enter();
        List<Expr> operands = new ArrayList<>();
        List<Character> operators = new ArrayList<>();
        operands.add(operand(false));
        while (cursor.peek().is(Kind.SIGN) && cursor.peek().text().length() == 1
                && RELATIONS.contains(cursor.peek().text())) {
            operators.add(cursor.next().text().charAt(0));
            operands.add(operand(operators.contains('≡')));
        }
        cursor.leave();
        return operators.isEmpty() ? operands.get(0) : new Relation(operands, operators);
    }

    /**
     * A sum, ratio or expression of sets, perhaps with a modulus. Of {@code \bmod} the remainder is meant, but of
     * {@code \pmod}, {@code \mod} and {@code (mod 5)} the residue class, as of any of them in a congruence.
     */
    private Expr operand(boolean inCongruence) {
        Expr left = ratio();
        while (cursor.peek().is("∪") || cursor.peek().is("∩") || cursor.peek().is("∖")) {
            char op = cursor.next().text().charAt(0);
            left = new SetOperation(op, left, ratio());
        }
        if (cursor.peek().is("bmod") && !inCongruence) {
            cursor.next();
            left = Expr.function("mod", left, arithmetic.factor());
        } else if (isModulus(cursor.peek())) {
            cursor.next();
            left = new Modulo(left, arithmetic.factor());
        } else if (cursor.peek().is("(") && isModulus(cursor.peek(1))) {
            cursor.next();
            cursor.next();
            left = new Modulo(left, arithmetic.sum());
            cursor.expect(")");
        }
        return left;
    }

    static boolean isModulus(Token token) {
        return token.is("pmod") || token.is("mod") || token.is("bmod");
    }

    private Expr ratio() {
        Expr first = arithmetic.sum();
        if (!cursor.peek().is(":") || arithmetic.inBuilder()) {
            return first;
        }
        List<Expr> parts = new ArrayList<>(List.of(first));
        while (cursor.accept(":")) {
            parts.add(arithmetic.sum());
        }
        return new Ratio(parts, isClock(parts));
    }

    private static boolean isClock(List<Expr> parts) {
        Expr minutes = parts.get(1) instanceof Expr.Quantity q ? q.value() : parts.get(1);
        return parts.size() == 2 && parts.get(0) instanceof Num h && minutes instanceof Num m && h.decimals() == 0
                && m.decimals() == 0 && m.digits() == 2 && h.digits() <= 2 && m.value().compareTo(Rational.of(60)) < 0
                && h.value().compareTo(Rational.of(25)) < 0;
    }

    /** What stands in brackets of any kind; the opening one has been read. */
    Expr bracketed(String open) {
        cursor.enter();
        ArithmeticParser.Context outer = arithmetic.enterBrackets(open.equals("\\{"));
        try {
            return switch (open) {
                case "\\{" -> set();
                case "⟨" -> items('(', "⟩", "⟩");
                case "(" -> items('(', ")", "]");
                case "]" -> items('(', "[", "]");
                default -> items('[', "]", ")");
            };
        } finally {
            arithmetic.leaveBrackets(outer);
            cursor.leave();
        }
    }

    private Expr items(char open, String close, String otherClose) {
        List<Expr> items = new ArrayList<>();
        boolean separated = false;
        while (true) {
            items.add(statement());
            if (!cursor.accept(",") && !cursor.accept(";") && !cursor.accept("∧") && !cursor.accept("∨")) {
                break;
            }
            separated = true;
        }
        String read = cursor.peek().text();
        if (!cursor.accept(close) && !cursor.accept(otherClose) && !(open == '[' && cursor.accept("["))) {
            throw cursor.error();
        }
        // ]a, b[ and [a, b[ are the French way to write (a, b) and [a, b)
        char end = read.equals("]") ? ']' : ')';
        if (!separated) {
            if ((open == '(') != (end == ')')) {
                throw cursor.error();
            }
            return items.get(0);
        }
        return new Group(open, end, items);
    }

    private Expr set() {
        if (cursor.accept("\\}")) {
            return new NamedSet("empty");
        }
        List<Expr> items = new ArrayList<>();
        do {
            items.add(statement());
        } while (cursor.accept(",") || cursor.accept(";"));
        if (cursor.accept("|") || cursor.accept(":")) {
            arithmetic.enterBrackets(false);
            Expr condition = list(null, "\\}");
            cursor.expect("\\}");
            return new Builder(items.size() == 1 ? items.get(0) : new Group('(', ')', items), condition);
        }
        cursor.expect("\\}");
        return new Group('{', '}', items);
    }

    /** The content of TeX braces, of which the first has been read; null where there is none. */
    Expr braced() {
        cursor.enter();
        ArithmeticParser.Context outer = arithmetic.enterBrackets(false);
        try {
            if (cursor.accept("}")) {
                return null;
            }
            Expr content = list(null, "}");
            cursor.expect("}");
            return content;
        } finally {
            arithmetic.leaveBrackets(outer);
            cursor.leave();
        }
    }

    /** The rows of a matrix or of cases, up to the end of the environment; its beginning has been read. */
    List<List<Expr>> rows() {
        cursor.enter();
        ArithmeticParser.Context outer = arithmetic.enterBrackets(false);
        List<List<Expr>> rows = new ArrayList<>();
        rows.add(new ArrayList<>());
        while (!cursor.peek().is(Kind.CLOSE)) {
            if (cursor.accept("\\\\")) {
                rows.add(new ArrayList<>());
            } else if (!cursor.accept("&") && !cursor.accept(",")) {
                rows.get(rows.size() - 1).add(statement());
            }
        }
        cursor.next();
        arithmetic.leaveBrackets(outer);
        cursor.leave();
        rows.removeIf(List::isEmpty);
        if (rows.isEmpty()) {
            throw cursor.error();
        }
        return rows;
    }

    static Expr system(List<List<Expr>> rows) {
        List<Expr> all = new ArrayList<>();
        for (List<Expr> row : rows) {
            if (row.size() != 1) {
                throw new NoValueException("cases");
            }
            all.addAll(row);
        }
        return join('&', all);
    }
}
