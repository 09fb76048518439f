package intuitor.text.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TemplateTest {

    private static final LocalDate TODAY = LocalDate.of(2024, 7, 6);

    record Case(String template, String rendered) {}

    /** What Jinja itself made of the same templates; render.py beside the file made it. */
    static Stream<Case> renderedByJinja() throws IOException {
        try (InputStream in = TemplateTest.class.getResourceAsStream("rendered.json")) {
            var cases = new ArrayList<Case>();
            for (JsonNode node : new JsonMapper().readTree(in)) {
                cases.add(new Case(node.get(0).stringValue(), node.get(1).stringValue(null)));
            }
            return cases.stream();
        }
    }

    @ParameterizedTest
    @MethodSource("renderedByJinja")
    void rendersAsJinjaDoes(Case c) {
        if (c.rendered() == null) {
            assertThrows(TemplateException.class, () -> render(c.template()), c.template());
        } else {
            assertEquals(c.rendered(), render(c.template()), c.template());
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '\0', textBlock = """
            a\\n{{ 'b' }}\\n{{ x.y }}       ; 'x' is undefined (line 3)
            {{ messages[0].name.first }}    ; 'name' of a dict is undefined (line 1)
            \\n{{ raise_exception('No.') }} ; No. (line 2)
            {% include 'x' %}               ; the block 'include' is not supported (line 1)
            {{ 1 | frob }}                  ; the filter 'frob' is not supported (line 1)
            {{ 1 is frob }}                 ; the test 'frob' is not supported (line 1)
            {% if 1 %}\\n\\n                ; 'endif' is missing (line 2)
            {% for x in [1] %}{% endif %}   ; expected 'endfor', found endif (line 1)
            {{ 'a }}                        ; a string is not closed (line 1)
            {{ 1 ? 2 }}                     ; unexpected character '?' (line 1)
            {{ 1 + }}                       ; unexpected }} (line 1)
            {{ strftime_now('%Q') }}        ; the date format %Q is not supported (line 1)
            {{ 'a' + 1 }}                   ; cannot compute a string + a whole number (line 1)
            {{ 9223372036854775807 + 1 }}   ; cannot compute 9223372036854775807 + 1: long overflow (line 1)
            {{ 'abcd' * 1000000000 }}       ; a result that is too long: a string * 1000000000 (line 1)
            """)
    void saysWhatIsWrongAndWhere(String template, String message) {
        var error = assertThrows(TemplateException.class, () -> render(template.replace("\\n", "\n")));
        assertEquals(message, error.getMessage());
    }

    @Test
    void endlessMacrosAreStopped() {
        String endless = "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}";
        var error = assertThrows(TemplateException.class, () -> render(endless));
        assertTrue(error.getMessage().startsWith("the macro 'm' calls itself without end"), error.getMessage());
    }

    @Test
    void aTemplateKeepsNothingOfARendering() {
        Template template = Template.parse("{% set n = namespace(i=0) %}{% set n.i = n.i + 1 %}{{ n.i }}");
        Map<String, Object> variables = variables();
        assertEquals("1", template.render(variables, TODAY));
        assertEquals("1", template.render(variables, TODAY));
    }

    private static String render(String template) {
        return Template.parse(template).render(variables(), TODAY);
    }

    /** Those of render.py. */
    private static Map<String, Object> variables() {
        var variables = new HashMap<String, Object>();
        variables.put("messages", List.of(message("user", " Hi "), message("assistant", "")));
        variables.put("empty", List.of());
        variables.put("nothing", null);
        return variables;
    }

    private static Map<String, Object> message(String role, String content) {
        var message = new LinkedHashMap<String, Object>();
        message.put("role", role);
        message.put("content", content);
        return message;
    }
}
