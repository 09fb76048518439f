package intuitor.text.jinja;

import intuitor.text.jinja.Statement.Body;
import intuitor.text.jinja.Statement.Break;
import intuitor.text.jinja.Statement.CallBody;
import intuitor.text.jinja.Statement.Continue;
import intuitor.text.jinja.Statement.For;
import intuitor.text.jinja.Statement.If;
import intuitor.text.jinja.Statement.Macro;
import intuitor.text.jinja.Statement.Output;
import intuitor.text.jinja.Statement.SetBody;
import intuitor.text.jinja.Statement.Target;
import intuitor.text.jinja.Statement.Text;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.function.Supplier;

/** Runs a template's statements. */
final class Renderer {

    /** Macros within macros: deeper than any template goes, far from the end of the stack. */
    private static final int MAX_DEPTH = 100;

    private enum Flow { NEXT, BREAK, CONTINUE }

    private StringBuilder out = new StringBuilder();
    private int macroDepth;
    private int loopDepth;

    private Renderer() {}

    static String render(Body template, Scope scope) {
        var renderer = new Renderer();
        renderer.run(template, scope);
        return renderer.out.toString();
    }

    private Flow run(Body body, Scope scope) {
        for (Statement statement : body.statements()) {
            Flow flow = run(statement, scope);
            if (flow != Flow.NEXT) {
                return flow;
            }
        }
        return Flow.NEXT;
    }

    private Flow run(Statement statement, Scope scope) {
        switch (statement) {
            case Text text -> out.append(text.text());
            case Output output -> out.append(at(output.line(), () -> Values.text(value(output.value(), scope))));
            case Statement.Set set -> at(set.line(), () -> assign(set.target(), value(set.value(), scope), scope));
            case SetBody set -> {
                Scope filtering = scope.inner();
                filtering.set(SetBody.BODY.name(), capture(set.body(), scope.inner()));
                at(set.line(), () -> assign(set.target(), value(set.filtered(), filtering), scope));
            }
            case Macro macro -> scope.set(macro.name(), function(macro, scope));
            case CallBody call -> {
                Scope calling = scope.inner();
                calling.set("caller", function(call.caller(), scope));
                out.append(at(call.line(), () -> Values.text(call(call, calling))));
            }
            case If choice -> {
                return choose(choice, scope);
            }
            case For loop -> {
                return loop(loop, scope);
            }
            case Body body -> {
                return run(body, scope);
            }
            case Break b -> {
                return Flow.BREAK;
            }
            case Continue c -> {
                return Flow.CONTINUE;
            }
        }
        return Flow.NEXT;
    }

    private Flow choose(If choice, Scope scope) {
        for (If.Branch branch : choice.branches()) {
            if (branch.condition() == null
                    || at(branch.line(), () -> Values.isTrue(value(branch.condition(), scope)))) {
                return run(branch.body(), scope);
            }
        }
        return Flow.NEXT;
    }

    private Flow loop(For loop, Scope scope) {
        List<Object> items = at(loop.line(), () -> {
            List<Object> all = Values.items(value(loop.items(), scope));
            return loop.condition() == null ? all : filter(all, loop, scope);
        });
        if (items.isEmpty()) {
            return run(loop.otherwise(), scope);
        }
        loopDepth++;
        for (int i = 0; i < items.size(); i++) {
            Scope round = scope.inner();
            Object item = items.get(i);
            at(loop.line(), () -> assign(loop.target(), item, round));
            round.set("loop", new Loop(items, i, loopDepth - 1));
            if (run(loop.body(), round) == Flow.BREAK) {
                break;
            }
        }
        loopDepth--;
        return Flow.NEXT;
    }

    private static List<Object> filter(List<Object> items, For loop, Scope scope) {
        var kept = new ArrayList<>();
        for (Object item : items) {
            Scope trial = scope.inner();
            assign(loop.target(), item, trial);
            if (Values.isTrue(value(loop.condition(), trial))) {
                kept.add(item);
            }
        }
        return kept;
    }

    private Callable function(Macro macro, Scope definition) {
        return arguments -> {
            if (macroDepth == MAX_DEPTH) {
                throw new TemplateException("the macro '" + macro.name() + "' calls itself without end");
            }
            Scope scope = definition.inner();
            bind(macro, arguments, scope);
            macroDepth++;
            try {
                return capture(macro.body(), scope);
            } finally {
                macroDepth--;
            }
        };
    }

    /** Parameters take their arguments, else their defaults; a call's body comes along as caller. */
    private static void bind(Macro macro, Arguments arguments, Scope scope) {
        if (arguments.positional().size() > macro.parameters().size()) {
            throw new TemplateException("too many arguments for the macro '" + macro.name() + "'");
        }
        var unknown = new HashSet<>(arguments.named().keySet());
        for (int i = 0; i < macro.parameters().size(); i++) {
            Macro.Parameter parameter = macro.parameters().get(i);
            unknown.remove(parameter.name());
            if (i < arguments.positional().size() || arguments.named().containsKey(parameter.name())) {
                scope.set(parameter.name(), arguments.get(i, parameter.name(), null));
            } else {
                scope.set(parameter.name(), parameter.fallback() == null
                        ? new Undefined("'" + parameter.name() + "'")
                        : value(parameter.fallback(), scope));
            }
        }
        if (unknown.remove("caller")) {
            scope.set("caller", arguments.named().get("caller"));
        }
        if (!unknown.isEmpty()) {
            throw new TemplateException(
                    "the macro '" + macro.name() + "' has no parameter " + unknown.iterator().next());
        }
    }

    private static Object call(CallBody call, Scope scope) {
        Arguments given = Evaluator.arguments(call.arguments(), scope);
        var named = new LinkedHashMap<>(given.named());
        named.put("caller", scope.get("caller"));
        return Evaluator.call(value(call.function(), scope), new Arguments(given.positional(), named));
    }

    private String capture(Body body, Scope scope) {
        StringBuilder outer = out;
        out = new StringBuilder();
        try {
            run(body, scope);
            return out.toString();
        } finally {
            out = outer;
        }
    }

    private static Object value(Expression expression, Scope scope) {
        return Evaluator.evaluate(expression, scope);
    }

    private static Void assign(Target target, Object value, Scope scope) {
        switch (target) {
            case Target.Name name -> scope.set(name.name(), value);
            case Target.Attribute attribute -> {
                if (!(scope.get(attribute.namespace()) instanceof Namespace namespace)) {
                    throw new TemplateException("'" + attribute.namespace() + "' is not a namespace");
                }
                namespace.variables().put(attribute.name(), value);
            }
            case Target.Names names -> {
                List<Object> parts = Values.items(value);
                if (parts.size() != names.names().size()) {
                    throw new TemplateException(
                            parts.size() + " values for " + names.names().size() + " variables");
                }
                for (int i = 0; i < parts.size(); i++) {
                    scope.set(names.names().get(i), parts.get(i));
                }
            }
        }
        return null;
    }

    /** A fault is told with the line where it first came up. */
    private static <T> T at(int line, Supplier<T> work) {
        try {
            return work.get();
        } catch (TemplateException e) {
            throw e.getCause() == null ? e.at(line) : e;
        }
    }
}
