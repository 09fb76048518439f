package intuitor.text.jinja;

import intuitor.text.jinja.Expression.ArgumentList;
import intuitor.text.jinja.Expression.Attribute;
import intuitor.text.jinja.Expression.Binary;
import intuitor.text.jinja.Expression.Call;
import intuitor.text.jinja.Expression.Comparison;
import intuitor.text.jinja.Expression.Conditional;
import intuitor.text.jinja.Expression.Dict;
import intuitor.text.jinja.Expression.Element;
import intuitor.text.jinja.Expression.Filter;
import intuitor.text.jinja.Expression.Items;
import intuitor.text.jinja.Expression.Literal;
import intuitor.text.jinja.Expression.Slice;
import intuitor.text.jinja.Expression.Test;
import intuitor.text.jinja.Expression.Unary;
import intuitor.text.jinja.Expression.Variable;
import intuitor.text.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Parses expressions with Jinja's precedence, which is not quite Python's. From loosest to tightest: a if c else b; or;
 * and; not; comparisons and in; + -; ~; * / // %; **; unary minus; then attributes, elements, calls, filters and tests.
 */
final class ExpressionParser {

    private final TokenStream tokens;

    ExpressionParser(TokenStream tokens) {
        this.tokens = tokens;
    }

    /** An expression, or several with commas between: a tuple. */
    Expression parseTuple() {
        Expression first = parse();
        if (!tokens.peek().isOperator(",")) {
            return first;
        }
        var items = new ArrayList<Expression>(List.of(first));
        while (tokens.accept(",") && !endsTuple()) {
            items.add(parse());
        }
        return new Items(items);
    }

    Expression parse() {
        Expression value = parseOr();
        while (tokens.acceptName("if")) {
            Expression condition = parseOr();
            value = new Conditional(condition, value, tokens.acceptName("else") ? parse() : null);
        }
        return value;
    }

    /** Without a trailing {@code if}, which means something else after {@code for}. */
    Expression parseOr() {
        Expression left = parseAnd();
        while (tokens.acceptName("or")) {
            left = new Binary("or", left, parseAnd());
        }
        return left;
    }

    private Expression parseAnd() {
        Expression left = parseNot();
        while (tokens.acceptName("and")) {
            left = new Binary("and", left, parseNot());
        }
        return left;
    }

    private Expression parseNot() {
        return tokens.acceptName("not") ? new Unary("not", parseNot()) : parseComparison();
    }

    private Expression parseComparison() {
        Expression first = parseSum();
        var links = new ArrayList<Comparison.Link>();
        for (String operator = comparison(); operator != null; operator = comparison()) {
            links.add(new Comparison.Link(operator, parseSum()));
        }
        return links.isEmpty() ? first : new Comparison(first, links);
    }

    private String comparison() {
        if (tokens.acceptName("in")) {
            return "in";
        }
        if (tokens.peek().isName("not") && tokens.peek(1).isName("in")) {
            tokens.next();
            tokens.next();
            return "not in";
        }
        return tokens.acceptAny("==", "!=", "<", "<=", ">", ">=");
    }

    private Expression parseSum() {
        Expression left = parseConcatenation();
        for (String operator = tokens.acceptAny("+", "-"); operator != null; operator = tokens.acceptAny("+", "-")) {
            left = new Binary(operator, left, parseConcatenation());
        }
        return left;
    }

    private Expression parseConcatenation() {
        Expression left = parseProduct();
        while (tokens.accept("~")) {
            left = new Binary("~", left, parseProduct());
        }
        return left;
    }

    private Expression parseProduct() {
        Expression left = parsePower();
        String operator = tokens.acceptAny("*", "/", "//", "%");
        while (operator != null) {
            left = new Binary(operator, left, parsePower());
            operator = tokens.acceptAny("*", "/", "//", "%");
        }
        return left;
    }

    private Expression parsePower() {
        Expression left = parseUnary(true);
        while (tokens.accept("**")) {
            left = new Binary("**", left, parseUnary(true));
        }
        return left;
    }

    private Expression parseUnary(boolean withFilters) {
        String sign = tokens.acceptAny("-", "+");
        Expression value = sign == null ? parsePostfix(parsePrimary()) : new Unary(sign, parseUnary(false));
        return withFilters ? parseFilters(value) : value;
    }

    private Expression parsePrimary() {
        Token token = tokens.next();
        switch (token.kind()) {
            case NAME -> {
                return switch ((String) token.value()) {
                    case "true", "True" -> new Literal(true);
                    case "false", "False" -> new Literal(false);
                    case "none", "None" -> new Literal(null);
                    default -> new Variable((String) token.value());
                };
            }
            case STRING -> {
                var text = new StringBuilder((String) token.value());
                while (tokens.peek().is(Kind.STRING)) {
                    text.append(tokens.next().value());
                }
                return new Literal(text.toString());
            }
            case INTEGER, FLOAT -> {
                return new Literal(token.value());
            }
            default -> { }
        }
        if (token.isOperator("(")) {
            Expression inner = tokens.peek().isOperator(")") ? new Items(List.of()) : parseTuple();
            tokens.expect(")");
            return inner;
        }
        if (token.isOperator("[")) {
            return new Items(parseItems("]"));
        }
        if (token.isOperator("{")) {
            return parseDict();
        }
        throw tokens.unexpected(token);
    }

    private List<Expression> parseItems(String close) {
        var items = new ArrayList<Expression>();
        while (!tokens.accept(close)) {
            items.add(parse());
            if (!tokens.peek().isOperator(close)) {
                tokens.expect(",");
            }
        }
        return items;
    }

    private Expression parseDict() {
        var entries = new ArrayList<Map.Entry<Expression, Expression>>();
        while (!tokens.accept("}")) {
            Expression key = parse();
            tokens.expect(":");
            entries.add(Map.entry(key, parse()));
            if (!tokens.peek().isOperator("}")) {
                tokens.expect(",");
            }
        }
        return new Dict(entries);
    }

    private Expression parsePostfix(Expression start) {
        Expression value = start;
        while (true) {
            if (tokens.accept(".")) {
                Token token = tokens.next();
                value = switch (token.kind()) {
                    case NAME -> new Attribute(value, (String) token.value());
                    case INTEGER -> new Element(value, new Literal(token.value()));
                    default -> throw tokens.unexpected(token);
                };
            } else if (tokens.accept("[")) {
                value = parseElement(value);
            } else if (tokens.peek().isOperator("(")) {
                value = new Call(value, parseArguments());
            } else {
                return value;
            }
        }
    }

    private Expression parseElement(Expression object) {
        Expression start = endsSlicePart() ? null : parse();
        if (tokens.accept("]")) {
            return new Element(object, start);
        }
        tokens.expect(":");
        Expression stop = endsSlicePart() ? null : parse();
        Expression step = tokens.accept(":") && !endsSlicePart() ? parse() : null;
        tokens.expect("]");
        return new Slice(object, start, stop, step);
    }

    private boolean endsSlicePart() {
        return tokens.peek().isOperator(":") || tokens.peek().isOperator("]");
    }

    private Expression parseFilters(Expression start) {
        Expression value = start;
        while (true) {
            if (tokens.peek().isOperator("|")) {
                value = parseFilter(value);
            } else if (tokens.acceptName("is")) {
                value = parseTest(value);
            } else if (tokens.peek().isOperator("(")) {
                value = new Call(value, parseArguments());
            } else {
                return value;
            }
        }
    }

    /** {@code | name(arguments)} after a value. */
    Expression parseFilter(Expression value) {
        tokens.expect("|");
        String name = tokens.expectName();
        return new Filter(value, name, tokens.peek().isOperator("(") ? parseArguments() : ArgumentList.EMPTY);
    }

    private Expression parseTest(Expression value) {
        boolean negated = tokens.acceptName("not");
        String name = tokens.expectName();
        ArgumentList arguments = ArgumentList.EMPTY;
        if (tokens.peek().isOperator("(")) {
            arguments = parseArguments();
        } else if (startsTestArgument()) {
            arguments = ArgumentList.of(List.of(parsePostfix(parsePrimary())));
        }
        Expression test = new Test(value, name, arguments);
        return negated ? new Unary("not", test) : test;
    }

    /** The one argument of a test may stand without parentheses: {@code x is divisibleby 3}. */
    private boolean startsTestArgument() {
        Token token = tokens.peek();
        return switch (token.kind()) {
            case STRING, INTEGER, FLOAT -> true;
            case NAME -> !List.of("else", "or", "and", "is", "if", "in", "not").contains(token.value());
            case OPERATOR -> token.isOperator("[") || token.isOperator("{");
            default -> false;
        };
    }

    ArgumentList parseArguments() {
        tokens.expect("(");
        var positional = new ArrayList<Expression>();
        var named = new LinkedHashMap<String, Expression>();
        Expression more = null;
        Expression moreNamed = null;
        while (!tokens.accept(")")) {
            if (more == null && tokens.accept("*")) {
                more = parse();
            } else if (moreNamed == null && tokens.accept("**")) {
                moreNamed = parse();
            } else if (tokens.peek().is(Kind.NAME) && tokens.peek(1).isOperator("=")) {
                String name = tokens.expectName();
                tokens.expect("=");
                named.put(name, parse());
            } else {
                positional.add(parse());
            }
            if (!tokens.peek().isOperator(")")) {
                tokens.expect(",");
            }
        }
        return new ArgumentList(positional, named, more, moreNamed);
    }

    private boolean endsTuple() {
        Token token = tokens.peek();
        return token.is(Kind.OUTPUT_END) || token.is(Kind.BLOCK_END) || token.isOperator(")");
    }
}
