package intuitor.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RecipeTest {

    enum Colour { RED, DARK_BLUE }

    record Settings(
            @Key(required = true, help = "where") Path folder,
            @Key(value = "3", range = "[1, 10]", help = "how many") int itemCount,
            @Key(value = "1e-6", range = "(0, 1]", help = "how much") double share,
            @Key(value = "dark_blue", help = "which") Colour colour,
            @Key(value = "true", help = "whether") boolean topP,
            @Key(help = "note") String note,
            @Key(help = "names") List<String> names) {

        Settings {
            if (itemCount == 7) {
                throw new IllegalArgumentException("item_count: not 7");
            }
        }
    }

    @TempDir
    Path folder;

    @Test
    void readsEveryTypeAndFillsInDefaults() throws IOException {
        Settings s = read("""
                folder: models/a b   # a comment
                item_count: 4
                share: 3e-6
                colour: red
                names: [x, "y, z"]
                """, Map.of());
        assertEquals(new Settings(Path.of("models/a b"), 4, 3e-6, Colour.RED, true, null, List.of("x", "y, z")), s);
    }

    @Test
    void flagsWinOverTheFile() throws IOException {
        Settings s = read("folder: a\nitem_count: 4\n", Map.of("item_count", "5", "top_p", "false", "names", "p,q"));
        assertEquals(new Settings(Path.of("a"), 5, 1e-6, Colour.DARK_BLUE, false, null, List.of("p", "q")), s);
    }

    /** A list as a recipe has it, be it for items with commas; other brackets are an item's own. */
    @Test
    void aFlagHoldsAList() throws IOException {
        assertEquals(List.of("x, y", "\n"), names("[\"x, y\", \"\\n\"]"));
        assertEquals(List.of(), names("[]"));
        assertEquals(List.of("1", "0.5"), names("[1, 0.5]"));
        assertEquals(List.of("1"), names("[1]"));
        assertEquals(List.of("-0.5"), names("[-0.5]"));
        assertEquals(List.of("accuracy", "format"), names("[accuracy, format]"));
        assertEquals(List.of("x, y", "z"), names("['x, y', z]"));
        for (String text : List.of("[INST]", "[/INST]", "[\"x\"] y", "[", "[[1]]", "- x")) {
            assertEquals(List.of(text), names(text));
        }
        assertEquals(List.of("[INST]", "[/INST]"), names("[INST],[/INST]"));
    }

    private List<String> names(String flag) throws IOException {
        return read("folder: a\n", Map.of("names", flag)).names();
    }

    record Dependent(
            @Key(value = "false", help = "switch") boolean on,
            @Key(help = "list") List<String> parts,
            @Key(value = "red", help = "which") Colour colour,
            @Key(value = "4", help = "needs a switch", needs = "on") int size,
            @Key(value = "4", help = "needs an item", needs = "parts: wheel") int spokes,
            @Key(value = "4", help = "needs a value", needs = "colour: dark_blue") int shade) {
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            on: false       | size   | --size: does nothing without on
            parts: [wheels] | spokes | --spokes: does nothing without parts: wheel
            colour: red     | shade  | --shade: does nothing without colour: dark_blue
            """)
    void aFlagThatWouldDoNothingIsRefused(String line, String flag, String message) throws IOException {
        Path file = Files.writeString(folder.resolve("r.yaml"), line + "\n");
        assertEquals(message, assertThrows(UserError.class,
                () -> Recipe.read(Dependent.class, file, Map.of(flag, "4"))).getMessage());
        Recipe.read(Dependent.class, file, Map.of(flag, "0")); // asks for nothing
        Files.writeString(file, line + "\n" + flag + ": 4\n");
        Recipe.read(Dependent.class, file, Map.of()); // a recipe may keep it
    }

    @Test
    void aFlagThatDoesSomethingIsNot() throws IOException {
        Path file = Files.writeString(folder.resolve("r.yaml"), "on: true\nparts: [frame, \" wheel\"]\n");
        Dependent read = Recipe.read(Dependent.class, file, Map.of("size", "5", "spokes", "6", "shade", "7", "colour",
                "dark_blue"));
        assertEquals(List.of(5, 6, 7), List.of(read.size(), read.spokes(), read.shade()));
    }

    @Test
    void whatIsWrittenReadsBackTheSame() throws IOException {
        Settings s = new Settings(Path.of("a: #b"), 9, 0.1 + 0.2, Colour.RED, false, "\"quoted\"\n\\boxed{é 𝄞}",
                List.of("<|im_end|>", "null"));
        assertEquals(s, read(Recipe.write(s), Map.of()));
        Settings unset = new Settings(Path.of("a"), 1, 1, Colour.RED, true, null, List.of());
        assertEquals(unset, read(Recipe.write(unset), Map.of()));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            itemcount: 4               | itemcount: unknown key; did you mean item_count?
            temperature: 1             | temperature: unknown key
            item_count: eight          | item_count: expected a whole number, found 'eight'
            item_count: 2.5            | item_count: expected a whole number, found '2.5'
            item_count: 99999999999    | item_count: expected a whole number in [1, 10], found '99999999999'
            item_count: 0              | item_count: expected a whole number in [1, 10], found '0'
            item_count: [1]            | item_count: expected N, found [1]
            item_count: 7              | item_count: not 7
            share: 0                   | share: expected a number in (0, 1], found '0'
            share: NaN                 | share: expected a number, found 'NaN'
            colour: green              | colour: expected red, dark_blue, found 'green'
            top_p: yes                 | top_p: expected true or false, found 'yes'
            """)
    void errorsNameFileAndKey(String line, String message) {
        UserError e = assertThrows(UserError.class, () -> read("folder: a\n" + line + "\n", Map.of()));
        assertTrue(e.getMessage().startsWith(folder.resolve("r.yaml") + ": " + message), e.getMessage());
    }

    @Test
    void errorsNameTheFlag() {
        assertMessage("--item-count: expected a whole number, found 'x'", Map.of("folder", "a", "item_count", "x"));
        assertMessage("--item-count: not 7", Map.of("folder", "a", "item_count", "7"));
        assertMessage("folder is missing: where; set it in the recipe or with --folder", Map.of());
    }

    /** What the record itself refuses is blamed on the file or on the flag that it came from. */
    @Test
    void aFlagIsNotBlamedOnTheFile() {
        assertEquals("--item-count: not 7", assertThrows(UserError.class,
                () -> read("folder: a\nitem_count: 4\n", Map.of("item_count", "7"))).getMessage());
        assertEquals(folder.resolve("r.yaml") + ": item_count: not 7", assertThrows(UserError.class,
                () -> read("folder: a\nitem_count: 7\n", Map.of("share", "0.5"))).getMessage());
    }

    @Test
    void filesThatAreNoRecipe() {
        UserError missing = assertThrows(UserError.class,
                () -> Recipe.read(Settings.class, folder.resolve("none.yaml"), Map.of()));
        assertEquals(folder.resolve("none.yaml") + ": no such recipe", missing.getMessage());
        for (String text : List.of("- a\n- b\n", "just text", "a: [", "folder: a\nfolder: b\n")) {
            UserError e = assertThrows(UserError.class, () -> read(text, Map.of()), text);
            assertTrue(e.getMessage().startsWith(folder.resolve("r.yaml").toString()), e.getMessage());
        }
    }

    @Test
    void keysDescribeTheFlags() {
        KeySpec key = Recipe.keys(Settings.class).get(1);
        assertEquals("--item-count N 3", key.flag() + " " + key.label() + " " + key.defaultText());
        assertEquals("red|dark_blue", Recipe.keys(Settings.class).get(3).label());
    }

    private void assertMessage(String message, Map<String, String> flags) {
        UserError e = assertThrows(UserError.class, () -> Recipe.read(Settings.class, null, flags));
        assertEquals(message, e.getMessage());
    }

    private Settings read(String yaml, Map<String, String> flags) throws IOException {
        return Recipe.read(Settings.class, Files.writeString(folder.resolve("r.yaml"), yaml), flags);
    }
}
