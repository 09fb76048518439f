package intuitor.text.jinja;

import java.util.HashMap;
import java.util.Map;

/** Variables by name, and around them those of the enclosing loop, macro or template. */
final class Scope {

    private final Scope outer;
    private final Map<String, Object> variables;

    private Scope(Scope outer, Map<String, Object> variables) {
        this.outer = outer;
        this.variables = variables;
    }

    static Scope of(Map<String, Object> variables) {
        return new Scope(null, new HashMap<>(variables));
    }

    /** A scope whose own variables are gone when it ends. */
    Scope inner() {
        return new Scope(this, new HashMap<>());
    }

    Object get(String name) {
        for (Scope scope = this; scope != null; scope = scope.outer) {
            if (scope.variables.containsKey(name)) {
                return scope.variables.get(name);
            }
        }
        return new Undefined("'" + name + "'");
    }

    void set(String name, Object value) {
        variables.put(name, value);
    }
}
