package intuitor.text.jinja;

import java.time.LocalDate;
import java.util.HashMap;
import java.util.Map;

/**
 * A Jinja2 template, as chat templates are written: rendered to the same text as by transformers, which uses Jinja's
 * sandbox with {@code trim_blocks}, {@code lstrip_blocks}, loop controls and the generation block.
 *
 * <p>Why an interpreter of our own: jinjava, the one Jinja for Java, leaves white space control aside in places, knows
 * neither Python's methods ({@code content.split('</think>')[-1].lstrip('\n')}) nor its printing, and brings several
 * megabytes of libraries. One space more or less is a prompt that a model has never seen. What chat templates need of
 * the language is little; a construct outside of it is refused by name when the template is read or reached.
 */
public final class Template {

    private final Statement.Body body;

    private Template(Statement.Body body) {
        this.body = body;
    }

    /** Reads a template's source; a {@link TemplateException} says what is wrong with it and in which line. */
    public static Template parse(String source) {
        return new Template(Parser.parse(source));
    }

    /**
     * Renders the template. It may be rendered any number of times, by several threads.
     *
     * @param variables values are String, Long, Double, Boolean, null, or Lists and Maps of them
     * @param today the date that {@code strftime_now} tells
     */
    public String render(Map<String, Object> variables, LocalDate today) {
        var all = new HashMap<>(Functions.all(today));
        all.putAll(variables);
        return Renderer.render(body, Scope.of(all));
    }
}
