package intuitor.text.jinja;

import intuitor.text.jinja.Token.Kind;
import java.util.List;

/** A parser's view of the tokens. */
final class TokenStream {

    private final List<Token> tokens;
    private int position;

    TokenStream(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token peek() {
        return peek(0);
    }

    Token peek(int ahead) {
        return tokens.get(Math.min(position + ahead, tokens.size() - 1));
    }

    Token next() {
        Token token = peek();
        position++;
        return token;
    }

    int line() {
        return peek().line();
    }

    boolean accept(String operator) {
        boolean found = peek().isOperator(operator);
        if (found) {
            position++;
        }
        return found;
    }

    boolean acceptName(String name) {
        boolean found = peek().isName(name);
        if (found) {
            position++;
        }
        return found;
    }

    /** The operator that comes next, if it is one of these, else null. */
    String acceptAny(String... operators) {
        for (String operator : operators) {
            if (accept(operator)) {
                return operator;
            }
        }
        return null;
    }

    void expect(String operator) {
        if (!accept(operator)) {
            throw error("expected '" + operator + "', found " + peek());
        }
    }

    void expect(Kind kind) {
        if (!next().is(kind)) {
            position--;
            throw unexpected(peek());
        }
    }

    String expectName() {
        Token token = next();
        if (!token.is(Kind.NAME)) {
            position--;
            throw error("expected a name, found " + token);
        }
        return (String) token.value();
    }

    TemplateException unexpected(Token token) {
        return new TemplateException("unexpected " + token).at(token.line());
    }

    TemplateException error(String message) {
        return new TemplateException(message).at(line());
    }
}
