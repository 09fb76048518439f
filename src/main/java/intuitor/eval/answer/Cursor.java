package intuitor.eval.answer;

import intuitor.eval.answer.Token.Kind;
import java.util.ArrayList;
import java.util.List;

/** The place in the tokens at which a parser reads. */
final class Cursor {
    /** Deeper nesting is no answer, and would use up the stack. */
    private static final int MAX_DEPTH = 120;

    private final List<Token> tokens;
    private final Budget budget;
    private int at;
    private int depth;

    Cursor(List<Token> tokens, Budget budget) {
        this.tokens = new ArrayList<>(tokens);
        this.budget = budget;
    }

    Token peek() {
        return peek(0);
    }

    /** The token {@code ahead} places on, END beyond the last; -1 is the one just read. */
    Token peek(int ahead) {
        int i = at + ahead;
        return i < 0 || i >= tokens.size() ? tokens.get(tokens.size() - 1) : tokens.get(i);
    }

    Token next() {
        Token token = peek();
        at = Math.min(at + 1, tokens.size() - 1);
        return token;
    }

    boolean accept(String sign) {
        if (peek().is(sign)) {
            next();
            return true;
        }
        return false;
    }

    void expect(String sign) {
        if (!accept(sign)) {
            throw error();
        }
    }

    boolean atEnd() {
        return peek().is(Kind.END);
    }

    int mark() {
        return at;
    }

    void reset(int mark) {
        at = mark;
    }

    /** Makes the first digit of the number that comes a token of its own, as TeX reads an argument without braces. */
    void splitFirstDigit() {
        Token token = peek();
        if (token.is(Kind.NUMBER) && token.text().length() > 1 && Character.isDigit(token.text().charAt(1))) {
            tokens.set(at, new Token(Kind.NUMBER, token.text().substring(0, 1), token.spaced()));
            tokens.add(at + 1, new Token(Kind.NUMBER, token.text().substring(1), false));
        }
    }

    void enter() {
        if (++depth > MAX_DEPTH) {
            throw new NoValueException("nested too deeply");
        }
        budget.check();
    }

    void leave() {
        depth--;
    }

    NoValueException error() {
        return new NoValueException("unexpected " + peek().kind() + " " + peek().text());
    }
}
