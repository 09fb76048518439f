package intuitor;

import tools.jackson.core.JacksonException;

/** What JSON and YAML files have in common with each other: how they are wrong. */
public final class Json {

    private Json() { }

    /** The parser's complaint in one line, without where in its own source it stood when it complained. */
    public static String complaint(JacksonException e) {
        String message = e.getOriginalMessage().lines().findFirst().orElse("");
        int internals = message.indexOf(" (start marker");
        return internals < 0 ? message : message.substring(0, internals);
    }
}
