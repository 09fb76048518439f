package intuitor.text.jinja;

/**
 * A piece of a template's source.
 *
 * @param value the text of TEXT, NAME and OPERATOR; the String, Long or Double of STRING, INTEGER and FLOAT
 * @param line from 1
 */
record Token(Kind kind, Object value, int line) {

    enum Kind { TEXT, OUTPUT_BEGIN, OUTPUT_END, BLOCK_BEGIN, BLOCK_END, NAME, STRING, INTEGER, FLOAT, OPERATOR, END }

    boolean is(Kind other) {
        return kind == other;
    }

    boolean isName(String name) {
        return kind == Kind.NAME && value.equals(name);
    }

    boolean isOperator(String operator) {
        return kind == Kind.OPERATOR && value.equals(operator);
    }

    @Override
    public String toString() {
        return switch (kind) {
            case END -> "the end of the template";
            case OUTPUT_END -> "}}";
            case BLOCK_END -> "%}";
            case OUTPUT_BEGIN -> "{{";
            case BLOCK_BEGIN -> "{%";
            default -> String.valueOf(value);
        };
    }
}
