package intuitor.text.jinja;

/** A template that cannot be read or rendered: its own fault, or a complaint that it raises about what it was given. */
public final class TemplateException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public TemplateException(String message) {
        super(message);
    }

    private TemplateException(String message, TemplateException cause) {
        super(message, cause);
    }

    /** The same with the line of the template at the end of its message. */
    TemplateException at(int line) {
        return new TemplateException(getMessage() + " (line " + line + ")", this);
    }
}
