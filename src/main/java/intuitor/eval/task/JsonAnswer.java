package intuitor.eval.task;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.StringNode;

/**
 * Finds {@code "answer"} in a completion as ZeroEval does: in the first complete JSON object; else, where that is no
 * JSON, by patterns, first with quotation marks, then without.
 */
final class JsonAnswer {

    private static final JsonMapper JSON = new JsonMapper();
    private static final Pattern[] FALLBACKS = {
        Pattern.compile("\"answer\"\\s*:\\s*\"([^\"]*?)\""),
        Pattern.compile("\"answer\"\\s*:\\s*\"(.*?)\"", Pattern.DOTALL),
        Pattern.compile("\"answer\"\\s*:\\s*([^,\\s]*)"),
        Pattern.compile("answer\\s*:\\s*([^,\\s]*)")
    };

    private JsonAnswer() { }

    static Optional<String> of(String completion) {
        Optional<String> whole = firstObject(completion).flatMap(JsonAnswer::answer);
        if (whole.isPresent()) {
            return whole;
        }
        for (Pattern pattern : FALLBACKS) {
            Matcher matcher = pattern.matcher(completion);
            if (matcher.find()) {
                return Optional.of(matcher.group(1));
            }
        }
        return Optional.empty();
    }

    private static Optional<String> firstObject(String text) {
        int depth = 0;
        int start = -1;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '{') {
                start = depth++ == 0 ? i : start;
            } else if (c == '}' && depth > 0 && --depth == 0) {
                return Optional.of(text.substring(start, i + 1).replace("\n", ""));
            }
        }
        return Optional.empty();
    }

    private static Optional<String> answer(String json) {
        try {
            JsonNode answer = JSON.readTree(json).path("answer");
            return answer.isMissingNode() ? Optional.empty() : Optional.of(python(answer));
        } catch (JacksonException e) {
            return Optional.empty();
        }
    }

    /** Python's {@code str} of a value that is no string: a list or a number stands as it would in Python. */
    private static String python(JsonNode value) {
        if (value.isString()) {
            return value.stringValue();
        }
        return value.isNull() ? "None" : value.isBoolean() ? (value.booleanValue() ? "True" : "False")
                : value.isNumber() ? value.asString() : repr(value);
    }

    private static String repr(JsonNode value) {
        if (value.isString()) {
            String s = value.stringValue().replace("\\", "\\\\").replace("\n", "\\n");
            return s.contains("'") && !s.contains("\"") ? "\"" + s + "\"" : "'" + s.replace("'", "\\'") + "'";
        }
        if (value.isArray()) {
            return "[" + String.join(", ", value.valueStream().map(JsonAnswer::repr).toList()) + "]";
        }
        if (value.isObject()) {
            return "{" + String.join(", ", value.properties().stream()
                    .map(e -> repr(StringNode.valueOf(e.getKey())) + ": " + repr(e.getValue())).toList()) + "}";
        }
        return python(value);
    }
}
