package intuitor.experiment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import intuitor.train.GrpoConfig.CertaintyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExperimentRecipeTest {

    private static final String HEAD = """
            name: e
            seeds: [1, 2]
            train: {model: m, data: d.jsonl, max_steps: 4, beta: 0.005, learning_rate: 1e-4}
            tasks: {sums: TASK}
            """;

    @TempDir
    Path folder;
    private Path recipe;

    @BeforeEach
    void aTask() throws IOException {
        Files.writeString(folder.resolve("sums.jsonl"), "{\"prompt\":\"1 + 1 =\",\"answer\":\"2\"}\n");
        recipe = folder.resolve("e.yaml");
    }

    @Test
    void everyArmIsMultipliedByTheGridAndTheSeeds() throws IOException {
        Experiment e = read(HEAD + """
                comparisons:
                  - name: both
                    arms:
                      online: {}
                      offline: {certainty_model: reference}
                    grid: {beta: [0, 0.01], learning_rate: [1e-4, 2e-4]}
                """);
        List<Arm> arms = e.comparisons().getFirst().arms();
        assertEquals(List.of("online, beta 0, learning_rate 1e-4", "online, beta 0, learning_rate 2e-4",
                "online, beta 0.01, learning_rate 1e-4", "online, beta 0.01, learning_rate 2e-4",
                "offline, beta 0, learning_rate 1e-4", "offline, beta 0, learning_rate 2e-4",
                "offline, beta 0.01, learning_rate 1e-4", "offline, beta 0.01, learning_rate 2e-4"),
                arms.stream().map(Arm::name).toList());
        PlannedRun last = arms.getLast().runs().getLast();
        assertEquals("offline-beta-0.01-learning_rate-2e-4-seed-2", last.name());
        assertEquals(2, last.seed());
        assertEquals(0.01, last.config().beta());
        assertEquals(2e-4, last.config().learningRate());
        assertEquals(CertaintyModel.REFERENCE, last.config().certaintyModel());
        assertEquals(4, last.config().maxSteps());
        assertEquals(Path.of("runs/e/runs"), last.config().outputDir());
        assertEquals(16, e.runs().size());
        assertEquals(List.of(1L, 2L), e.runs().stream().map(PlannedRun::seed).distinct().toList(), "seed after seed");
    }

    @Test
    void comparisonsShareRunsWithTheSameSettings() throws IOException {
        Experiment e = read(HEAD + """
                comparisons:
                  - name: rewards
                    arms: {INTUITOR: {}, hot: {temperature: 1.5}}
                  - name: KL
                    grid: {beta: [0.005, 0]}
                  - name: rates
                    grid: {learning_rate: [0.0001, 1e-3]}
                    seeds: [2]
                """);
        assertEquals(List.of("INTUITOR-seed-1", "hot-seed-1", "INTUITOR-seed-2", "hot-seed-2", "beta-0-seed-1",
                "beta-0-seed-2", "learning_rate-0.001-seed-2"), e.runs().stream().map(PlannedRun::name).toList());
        assertEquals("INTUITOR-seed-2", e.comparisons().get(2).arms().getFirst().runs().getFirst().name());
    }

    @Test
    void oneNameForTwoSettingsMakesTwoFolders() throws IOException {
        Experiment e = read(HEAD + """
                comparisons:
                  - {name: a, arms: {x: {beta: 0}}, seeds: [1]}
                  - {name: b, arms: {x: {beta: 1}}, seeds: [1]}
                """);
        assertEquals(List.of("x-seed-1", "x-seed-1-b"), e.runs().stream().map(PlannedRun::name).toList());
    }

    @Test
    void flagsWinOverTheRecipe() throws IOException {
        write(HEAD + "comparisons: [{name: a, arms: {x: {}}}]\n");
        Experiment e = ExperimentRecipe.read(recipe, Map.of("seeds", "7", "name", "try", "parallel", "3"));
        assertEquals(List.of(7L), e.seeds());
        assertEquals(Path.of("runs/try"), e.folder().path());
        assertEquals(3, e.settings().parallel());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            arms: {x: {bta: 1}}    | x: bta: unknown key; did you mean beta?
            arms: {x: {beta: -1}}  | x: beta: expected a number in [0, inf), found '-1'
            grid: {beta: [0, x]}   | beta x: beta: expected a number, found 'x'
            grid: {beta: 0}        | grid: beta: expected a list, as [1, 2], found 0
            arms: {x: {seed: 3}}   | x: seed: the experiment sets it; leave it out, and list seeds instead
            arms: {x: {model: n}}  | x: model: all runs begin with the same model; set it under train
            arms: {}               | arms: give at least one, as 'INTUITOR: {}'
            arms: [x]              | arms: expected lines of the form 'key: value', found ["x"]
            seeds: [1]             | has neither arms nor a grid
            arm: {x: {}}           | arm: unknown key; did you mean arms?
            """)
    void whatIsWrongInAComparisonIsSaidInOneLine(String line, String complaint) throws IOException {
        assertSays("comparisons: [{name: a, " + line + "}]", "comparisons: a: " + complaint);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            comparisons: [{arms: {x: {}}}]  | comparisons: one has no name
            comparisons: [{name: a, arms: {x: {}}}, {name: a, arms: {x: {}}}] | comparisons: two have the name 'a'
            comparisons: []                 | comparisons: expected a list, as [1, 2], found []
            compare: []                     | compare: unknown key
            parallel: 2                     | comparisons is missing; experiment --help shows what it holds
            """)
    void whatIsWrongInARecipeIsSaidInOneLine(String line, String complaint) throws IOException {
        assertSays(line, complaint);
    }

    private void assertSays(String line, String complaint) throws IOException {
        write(HEAD + line + "\n");
        String said = assertThrows(UserError.class, () -> ExperimentRecipe.read(recipe, Map.of())).getMessage();
        assertEquals(recipe + ": " + complaint, said);
    }

    @Test
    void aTaskWithoutAFileIsRefused() throws IOException {
        write(HEAD.replace("TASK", "nowhere.jsonl") + "comparisons: [{name: a, arms: {x: {}}}]\n");
        String said = assertThrows(UserError.class, () -> ExperimentRecipe.read(recipe, Map.of())).getMessage();
        assertEquals(recipe + ": tasks: sums: no such file nowhere.jsonl; give a JSONL file of problems with answers",
                said);
    }

    @Test
    void seedsAreDifferentWholeNumbers() throws IOException {
        write(HEAD + "comparisons: [{name: a, arms: {x: {}}}]\n");
        for (String seeds : List.of("1,x", "1,1", "")) {
            String said = assertThrows(UserError.class, () -> ExperimentRecipe.read(recipe, Map.of("seeds", seeds)))
                    .getMessage();
            assertTrue(said.startsWith("--seeds: "), said);
        }
    }

    private void write(String text) throws IOException {
        Files.writeString(recipe, text.replace("TASK", folder.resolve("sums.jsonl").toString()));
    }

    private Experiment read(String text) throws IOException {
        write(text);
        return ExperimentRecipe.read(recipe, Map.of());
    }
}
