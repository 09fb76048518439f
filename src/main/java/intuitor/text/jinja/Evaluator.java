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
import java.util.ArrayList;
import java.util.LinkedHashMap;

/** Values of expressions. */
final class Evaluator {

    private Evaluator() {}

    static Object evaluate(Expression expression, Scope scope) {
        return switch (expression) {
            case Literal literal -> literal.value();
            case Variable variable -> scope.get(variable.name());
            case Items items -> {
                var list = new ArrayList<>();
                items.items().forEach(item -> list.add(evaluate(item, scope)));
                yield list;
            }
            case Dict dict -> {
                var map = new LinkedHashMap<>();
                dict.entries().forEach(e -> map.put(evaluate(e.getKey(), scope), evaluate(e.getValue(), scope)));
                yield map;
            }
            case Attribute a -> Access.attribute(evaluate(a.object(), scope), a.name());
            case Element e -> Access.element(evaluate(e.object(), scope), evaluate(e.key(), scope));
            case Slice s -> Values.slice(evaluate(s.object(), scope), integer(s.start(), scope),
                    integer(s.stop(), scope), integer(s.step(), scope));
            case Call call -> call(evaluate(call.function(), scope), arguments(call.arguments(), scope));
            case Filter f -> Filters.apply(f.name(), evaluate(f.value(), scope), arguments(f.arguments(), scope));
            case Test t -> Tests.apply(t.name(), evaluate(t.value(), scope), arguments(t.arguments(), scope));
            case Unary unary -> unary(unary, scope);
            case Binary binary -> binary(binary, scope);
            case Comparison comparison -> compare(comparison, scope);
            case Conditional c -> Values.isTrue(evaluate(c.condition(), scope))
                    ? evaluate(c.then(), scope)
                    : c.otherwise() == null
                            ? new Undefined("the value of an if without else")
                            : evaluate(c.otherwise(), scope);
        };
    }

    static Object call(Object function, Arguments arguments) {
        return switch (function) {
            case Callable callable -> callable.call(arguments);
            case Undefined undefined -> throw undefined.asException();
            case null, default -> throw new TemplateException(Values.typeName(function) + " is not a function");
        };
    }

    static Arguments arguments(ArgumentList list, Scope scope) {
        var positional = new ArrayList<>();
        list.positional().forEach(value -> positional.add(evaluate(value, scope)));
        var named = new LinkedHashMap<String, Object>();
        list.named().forEach((name, value) -> named.put(name, evaluate(value, scope)));
        if (list.more() != null) {
            positional.addAll(Values.items(evaluate(list.more(), scope)));
        }
        if (list.moreNamed() != null) {
            Values.dict(evaluate(list.moreNamed(), scope)).forEach((key, value) -> named.put(Values.text(key), value));
        }
        return new Arguments(positional, named);
    }

    private static Long integer(Expression expression, Scope scope) {
        Object value = expression == null ? null : evaluate(expression, scope);
        return value == null ? null : (Long) Values.integer(value);
    }

    private static Object unary(Unary unary, Scope scope) {
        Object value = evaluate(unary.operand(), scope);
        return switch (unary.operator()) {
            case "not" -> !Values.isTrue(value);
            case "-" -> Operators.negate(value);
            default -> Operators.apply("+", 0L, value);
        };
    }

    /** {@code and} and {@code or} give one of their operands, and do not look at the second without need. */
    private static Object binary(Binary binary, Scope scope) {
        Object left = evaluate(binary.left(), scope);
        return switch (binary.operator()) {
            case "and" -> Values.isTrue(left) ? evaluate(binary.right(), scope) : left;
            case "or" -> Values.isTrue(left) ? left : evaluate(binary.right(), scope);
            default -> Operators.apply(binary.operator(), left, evaluate(binary.right(), scope));
        };
    }

    private static boolean compare(Comparison comparison, Scope scope) {
        Object left = evaluate(comparison.first(), scope);
        for (Comparison.Link link : comparison.links()) {
            Object right = evaluate(link.operand(), scope);
            boolean holds = switch (link.operator()) {
                case "==" -> Values.equal(left, right);
                case "!=" -> !Values.equal(left, right);
                case "<" -> Values.compare(left, right) < 0;
                case "<=" -> Values.compare(left, right) <= 0;
                case ">" -> Values.compare(left, right) > 0;
                case ">=" -> Values.compare(left, right) >= 0;
                case "in" -> Values.contains(right, left);
                case "not in" -> !Values.contains(right, left);
                default -> throw new IllegalStateException(link.operator());
            };
            if (!holds) {
                return false;
            }
            left = right;
        }
        return true;
    }
}
