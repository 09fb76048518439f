package intuitor.eval.answer;

/** An expression that has no value here: undefined, too large, of a form that is not evaluated, or out of time. */
final class NoValueException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    NoValueException(String reason) {
        super(reason, null, false, false);
    }
}
