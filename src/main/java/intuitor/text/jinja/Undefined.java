package intuitor.text.jinja;

/**
 * The value of what is not there. It prints as nothing, is false, and has no items; whoever needs more of it fails.
 *
 * @param what is missing, for messages: {@code 'tools'}, {@code message has no 'name'}
 */
record Undefined(String what) {

    TemplateException asException() {
        return new TemplateException(what + " is undefined");
    }
}
