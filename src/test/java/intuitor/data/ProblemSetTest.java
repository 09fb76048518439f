package intuitor.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import intuitor.recipe.Recipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class ProblemSetTest {

    private static final String SUMS = "gain_then_loss,loss_then_gain,comparison,three_parts";
    private static final Path DATA = Path.of("recipes/data");
    private static final Pattern HELD_OUT_KINDS =
            Pattern.compile(" each |rows of|bags of|shares|equal|[-+*/]|number|Continue|Compute");

    @Test
    void aSetHasTheKindsThatWereAskedFor() {
        Set<ArithmeticProblem> problems = ProblemSet.of(config(Map.of("kinds", "sequence", "count", "100")));
        assertEquals(100, problems.size());
        for (ArithmeticProblem problem : problems) {
            assertTrue(problem.question().matches(".*\\d+, \\d+, \\d+, \\d+"), problem.question());
        }
    }

    @Test
    void withoutKindsItIsWhatTheBaseModelWasMadeWith() throws IOException {
        ProblemSetConfig config = config(Map.of("seed", "2000004", "held_out", "true"));
        assertEquals(Files.readString(Path.of("models/arithmetic-1m/heldout.jsonl")),
                ProblemSet.jsonLines(ProblemSet.of(config), true));
    }

    @Test
    void theStudysFilesAreMadeByTheCommandsThatTheirReadmeNames() throws IOException {
        assertSame("study-train.jsonl", Map.of("seed", "101", "count", "1600", "kinds", SUMS));
        assertSame("study-sums.jsonl", Map.of("seed", "102", "count", "200", "held_out", "true", "kinds", SUMS));
        assertSame("study-groups.jsonl", Map.of("seed", "103", "count", "200", "held_out", "true",
                "kinds", "groups_and_more,groups_and_less,sharing"));
        assertSame("study-symbols.jsonl", Map.of("seed", "104", "count", "200", "held_out", "true",
                "kinds", "sequence,expression"));
    }

    @Test
    void theStudyTrainsOnNothingThatItEvaluatesOn() {
        List<Prompt> trained = PromptSet.readPrompts(DATA.resolve("study-train.jsonl"));
        for (String file : List.of("study-sums.jsonl", "study-groups.jsonl", "study-symbols.jsonl")) {
            for (Prompt problem : PromptSet.readPrompts(DATA.resolve(file))) {
                assertTrue(trained.stream().noneMatch(p -> p.text().equals(problem.text())), problem.text());
            }
        }
        for (Prompt prompt : trained) {
            assertFalse(HELD_OUT_KINDS.matcher(prompt.text()).find(), prompt.text());
        }
    }

    @Test
    void anUnknownKindAndTooManyProblemsAreRefused() {
        UserError unknown = assertThrows(UserError.class, () -> config(Map.of("kinds", "sharing,sequense")));
        assertTrue(unknown.getMessage().startsWith("--kinds: no kind 'sequense'; did you mean sequence?; there are "),
                unknown.getMessage());
        UserError tooMany = assertThrows(UserError.class,
                () -> ProblemSet.of(config(Map.of("kinds", "sequence", "held_out", "true", "count", "2000"))));
        assertTrue(tooMany.getMessage().matches("count: these kinds have about \\d+ different problems, fewer .*"),
                tooMany.getMessage());
    }

    private static void assertSame(String file, Map<String, String> flags) throws IOException {
        String made = ProblemSet.jsonLines(ProblemSet.of(config(flags)), true);
        assertEquals(Files.readString(DATA.resolve(file)), made, file);
    }

    private static ProblemSetConfig config(Map<String, String> flags) {
        Map<String, String> all = new HashMap<>(flags);
        all.put("output", "unused.jsonl");
        return Recipe.read(ProblemSetConfig.class, null, all);
    }
}
