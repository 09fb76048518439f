package intuitor.eval.answer;

/**
 * A piece of an answer.
 *
 * @param kind   what it is
 * @param text   its normal form
 * @param spaced whether white space stands before it
 */
record Token(Kind kind, String text, boolean spaced) {
    enum Kind {
        /** Digits, perhaps with a decimal point; a repeating part in round brackets; {@code e} and an exponent. */
        NUMBER,
        /** Digits and letters of a numeral in a base above ten, which a subscript follows. */
        NUMERAL,
        /** A variable. */
        LETTER,
        /** The name of a known function. */
        FUNCTION,
        /** Words of a {@code \text}, or a plain word. */
        WORD,
        /** A LaTeX command with arguments. */
        COMMAND,
        /** The start of an environment, or the name of a set of numbers. */
        BEGIN, CLOSE, SET,
        /** An operator, relation, bracket or separator, in the form of {@link Commands}. */
        SIGN,
        END
    }

    boolean is(String sign) {
        return kind == Kind.SIGN && text.equals(sign);
    }

    boolean is(Kind kind) {
        return this.kind == kind;
    }
}
