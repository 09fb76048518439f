package intuitor.text.jinja;

import intuitor.text.jinja.Expression.ArgumentList;
import java.util.List;

/** What a template does. */
sealed interface Statement {

    record Text(String text) implements Statement {}

    record Output(Expression value, int line) implements Statement {}

    /** Branches in order; the condition of an else is null. */
    record If(List<Branch> branches) implements Statement {

        record Branch(Expression condition, Body body, int line) {}
    }

    /** {@code for targets in items if condition}; the condition may be null, the alternative empty. */
    record For(Target target, Expression items, Expression condition, Body body, Body otherwise, int line)
            implements Statement {}

    record Set(Target target, Expression value, int line) implements Statement {}

    /** {@code set name | filters} with a body; the filters are applied to the variable that stands for the body. */
    record SetBody(Target target, Body body, Expression filtered, int line) implements Statement {

        /** Its name cannot be written in a template. */
        static final Expression.Variable BODY = new Expression.Variable("the body");
    }

    /** A default is null where there is none. */
    record Macro(String name, List<Parameter> parameters, Body body) implements Statement {

        record Parameter(String name, Expression fallback) {}
    }

    /** {@code call(parameters) function(arguments)}: the body is what the function's caller() gives. */
    record CallBody(Expression function, ArgumentList arguments, Macro caller, int line) implements Statement {}

    record Break() implements Statement {}

    record Continue() implements Statement {}

    record Body(List<Statement> statements) implements Statement {}

    /** What is assigned to: {@code name}, {@code namespace.attribute}, or several names. */
    sealed interface Target {

        record Name(String name) implements Target {}

        record Attribute(String namespace, String name) implements Target {}

        record Names(List<String> names) implements Target {}
    }
}
