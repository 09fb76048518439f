package intuitor.text.jinja;

import java.util.List;
import java.util.Map;

/** What has a value. */
sealed interface Expression {

    /** A string, a number, true, false or none (null). */
    record Literal(Object value) implements Expression {}

    record Variable(String name) implements Expression {}

    /** A list or a tuple. */
    record Items(List<Expression> items) implements Expression {}

    record Dict(List<Map.Entry<Expression, Expression>> entries) implements Expression {}

    /** {@code object.name} */
    record Attribute(Expression object, String name) implements Expression {}

    /** {@code object[key]} */
    record Element(Expression object, Expression key) implements Expression {}

    /** {@code object[start:stop:step]}; what is left out is null. */
    record Slice(Expression object, Expression start, Expression stop, Expression step) implements Expression {}

    record Call(Expression function, ArgumentList arguments) implements Expression {}

    /** {@code value | name(arguments)} */
    record Filter(Expression value, String name, ArgumentList arguments) implements Expression {}

    /** {@code value is name(arguments)} */
    record Test(Expression value, String name, ArgumentList arguments) implements Expression {}

    /** {@code -}, {@code +} or {@code not}. */
    record Unary(String operator, Expression operand) implements Expression {}

    record Binary(String operator, Expression left, Expression right) implements Expression {}

    /** {@code first < a <= b in c}: each operand is compared with the one before it. */
    record Comparison(Expression first, List<Link> links) implements Expression {

        record Link(String operator, Expression operand) {}
    }

    /** {@code then if condition else otherwise}; otherwise may be null. */
    record Conditional(Expression condition, Expression then, Expression otherwise) implements Expression {}

    /** Arguments as written; a list after {@code *} and a dict after {@code **}, null where there is none. */
    record ArgumentList(
            List<Expression> positional, Map<String, Expression> named, Expression more, Expression moreNamed) {

        static final ArgumentList EMPTY = of(List.of());

        static ArgumentList of(List<Expression> positional) {
            return new ArgumentList(positional, Map.of(), null, null);
        }
    }
}
