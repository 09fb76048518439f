package intuitor.text.jinja;

import intuitor.text.jinja.Statement.Body;
import intuitor.text.jinja.Statement.Break;
import intuitor.text.jinja.Statement.CallBody;
import intuitor.text.jinja.Statement.Continue;
import intuitor.text.jinja.Statement.For;
import intuitor.text.jinja.Statement.If;
import intuitor.text.jinja.Statement.Macro;
import intuitor.text.jinja.Statement.Output;
import intuitor.text.jinja.Statement.Set;
import intuitor.text.jinja.Statement.SetBody;
import intuitor.text.jinja.Statement.Target;
import intuitor.text.jinja.Statement.Text;
import intuitor.text.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;

/** Parses a template's statements. */
final class Parser {

    private final TokenStream tokens;
    private final ExpressionParser expressions;
    private int loops;

    private Parser(List<Token> tokens) {
        this.tokens = new TokenStream(tokens);
        this.expressions = new ExpressionParser(this.tokens);
    }

    static Body parse(String source) {
        var parser = new Parser(Lexer.tokenize(source));
        Body body = parser.parseBody();
        if (!parser.tokens.peek().is(Kind.END)) {
            throw parser.tokens.error("'" + parser.tokens.peek(1) + "' closes nothing");
        }
        return body;
    }

    /** Up to the end, or up to a block that is not a statement by itself: endfor, else and the like. */
    private Body parseBody() {
        var statements = new ArrayList<Statement>();
        while (true) {
            Token token = tokens.peek();
            switch (token.kind()) {
                case TEXT -> statements.add(new Text((String) tokens.next().value()));
                case OUTPUT_BEGIN -> statements.add(parseOutput());
                case BLOCK_BEGIN -> {
                    if (closesBody(tokens.peek(1))) {
                        return new Body(statements);
                    }
                    statements.add(parseBlock());
                }
                default -> {
                    return new Body(statements);
                }
            }
        }
    }

    private static boolean closesBody(Token name) {
        return name.isName("else") || name.isName("elif")
                || name.is(Kind.NAME) && ((String) name.value()).startsWith("end");
    }

    private Statement parseOutput() {
        int line = tokens.next().line();
        Expression value = expressions.parseTuple();
        tokens.expect(Kind.OUTPUT_END);
        return new Output(value, line);
    }

    private Statement parseBlock() {
        int line = tokens.next().line();
        String name = tokens.expectName();
        return switch (name) {
            case "if" -> parseIf(line);
            case "for" -> parseFor(line);
            case "set" -> parseSet(line);
            case "macro" -> parseMacro();
            case "call" -> parseCall(line);
            // marks the assistant's words for a training mask; it has no text of its own
            case "generation" -> parseUntil("endgeneration");
            case "break", "continue" -> parseJump(name);
            default -> throw new TemplateException("the block '" + name + "' is not supported").at(line);
        };
    }

    private Statement parseIf(int firstLine) {
        var branches = new ArrayList<If.Branch>();
        Expression condition = expressions.parse();
        int line = firstLine;
        while (true) {
            tokens.expect(Kind.BLOCK_END);
            branches.add(new If.Branch(condition, parseBody(), line));
            line = tokens.line();
            openClosing("endif");
            if (tokens.acceptName("elif") && isConditional(branches)) {
                condition = expressions.parse();
            } else if (tokens.acceptName("else") && isConditional(branches)) {
                condition = null;
            } else if (tokens.acceptName("endif")) {
                tokens.expect(Kind.BLOCK_END);
                return new If(branches);
            } else {
                throw tokens.error("expected 'endif', found " + tokens.peek());
            }
        }
    }

    private static boolean isConditional(List<If.Branch> branches) {
        return branches.getLast().condition() != null;
    }

    private Statement parseFor(int line) {
        Target target = parseTarget();
        if (!tokens.acceptName("in")) {
            throw tokens.error("for without in");
        }
        Expression items = expressions.parseOr();
        Expression condition = tokens.acceptName("if") ? expressions.parse() : null;
        if (tokens.peek().isName("recursive")) {
            throw tokens.error("recursive loops are not supported");
        }
        tokens.expect(Kind.BLOCK_END);
        loops++;
        Body body = parseBody();
        loops--;
        openClosing("endfor");
        if (tokens.acceptName("else")) {
            tokens.expect(Kind.BLOCK_END);
            return new For(target, items, condition, body, parseRest("endfor"), line);
        }
        close("endfor");
        return new For(target, items, condition, body, new Body(List.of()), line);
    }

    private Statement parseSet(int line) {
        Target target = parseTarget();
        if (tokens.accept("=")) {
            Expression value = expressions.parseTuple();
            tokens.expect(Kind.BLOCK_END);
            return new Set(target, value, line);
        }
        Expression filtered = SetBody.BODY;
        while (tokens.peek().isOperator("|")) {
            filtered = expressions.parseFilter(filtered);
        }
        return new SetBody(target, parseUntil("endset"), filtered, line);
    }

    private Target parseTarget() {
        boolean parenthesised = tokens.accept("(");
        var names = new ArrayList<>(List.of(tokens.expectName()));
        if (tokens.accept(".")) {
            return new Target.Attribute(names.getFirst(), tokens.expectName());
        }
        boolean several = parenthesised;
        while (tokens.accept(",")) {
            several = true;
            if (tokens.peek().is(Kind.NAME) && !tokens.peek().isName("in")) {
                names.add(tokens.expectName());
            }
        }
        if (parenthesised) {
            tokens.expect(")");
        }
        return several ? new Target.Names(names) : new Target.Name(names.getFirst());
    }

    private Statement parseMacro() {
        String name = tokens.expectName();
        List<Macro.Parameter> parameters = parseParameters();
        return new Macro(name, parameters, parseUntil("endmacro"));
    }

    private Statement parseCall(int line) {
        List<Macro.Parameter> parameters = tokens.peek().isOperator("(") ? parseParameters() : List.of();
        if (!(expressions.parse() instanceof Expression.Call call)) {
            throw tokens.error("call without a call");
        }
        var caller = new Macro("caller", parameters, parseUntil("endcall"));
        return new CallBody(call.function(), call.arguments(), caller, line);
    }

    private List<Macro.Parameter> parseParameters() {
        var parameters = new ArrayList<Macro.Parameter>();
        tokens.expect("(");
        while (!tokens.accept(")")) {
            String name = tokens.expectName();
            parameters.add(new Macro.Parameter(name, tokens.accept("=") ? expressions.parse() : null));
            if (!tokens.peek().isOperator(")")) {
                tokens.expect(",");
            }
        }
        return parameters;
    }

    private Statement parseJump(String name) {
        if (loops == 0) {
            throw tokens.error(name + " outside of a loop");
        }
        tokens.expect(Kind.BLOCK_END);
        return name.equals("break") ? new Break() : new Continue();
    }

    /** The rest of an opening block, a body, and the block that closes it. */
    private Body parseUntil(String end) {
        tokens.expect(Kind.BLOCK_END);
        return parseRest(end);
    }

    private Body parseRest(String end) {
        Body body = parseBody();
        openClosing(end);
        close(end);
        return body;
    }

    private void openClosing(String end) {
        if (!tokens.peek().is(Kind.BLOCK_BEGIN)) {
            throw tokens.error("'" + end + "' is missing");
        }
        tokens.next();
    }

    private void close(String end) {
        if (!tokens.acceptName(end)) {
            throw tokens.error("expected '" + end + "', found " + tokens.peek());
        }
        if (end.equals("endmacro")) {
            while (tokens.peek().is(Kind.NAME)) {
                tokens.next(); // endmacro may repeat the macro's name
            }
        }
        tokens.expect(Kind.BLOCK_END);
    }
}
