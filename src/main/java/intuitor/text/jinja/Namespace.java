package intuitor.text.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/** What namespace() makes: variables that a loop may set and that outlive it. */
record Namespace(Map<String, Object> variables) {

    Namespace {
        variables = new LinkedHashMap<>(variables);
    }
}
