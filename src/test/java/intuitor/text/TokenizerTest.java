package intuitor.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.text.Normalizer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class TokenizerTest {

    @TempDir
    static Path folder;

    private static Tokenizer tokenizer;

    @BeforeAll
    static void load() {
        tokenizer = TinyTokenizer.in(folder);
    }

    @Test
    void textComesBack() {
        var random = new Random(11);
        for (int i = 0; i < 2000; i++) {
            String text = Normalizer.normalize(RandomText.of(random, 40), Normalizer.Form.NFC);
            int[] ids = tokenizer.encode(text);
            assertEquals(text, tokenizer.decode(ids));
            for (int id : ids) {
                assertTrue(id >= 0 && id < tokenizer.vocabSize());
            }
        }
        assertArrayEquals(new int[0], tokenizer.encode(""));
        assertEquals("", tokenizer.decode(new int[0]));
    }

    @Test
    void specialTokensInATextAreOneId() {
        int[] ids = tokenizer.encode("<|im_start|>user\nHi<|im_end|>\n<|endoftext|>");
        assertEquals(tokenizer.tokenId("<|im_start|>"), ids[0]);
        assertEquals(tokenizer.tokenId("<|endoftext|>"), ids[ids.length - 1]);
        assertEquals(1, Arrays.stream(ids).filter(id -> id == tokenizer.tokenId("<|im_end|>")).count());
        assertEquals("user\nHi\n", tokenizer.decode(ids));
        assertEquals("<|im_start|>user\nHi<|im_end|>\n<|endoftext|>", tokenizer.decode(ids, true));
        assertTrue(tokenizer.encode("<|im_star|>").length > 1);
    }

    @Test
    void nothingIsAddedUnlessAskedFor() throws IOException {
        Path withBos = Files.createTempDirectory(folder, "bos");
        int bos = tokenizer.tokenId("<|endoftext|>");
        var mapper = new JsonMapper();
        var json = (ObjectNode) mapper.readTree(Files.readString(folder.resolve("tokenizer.json")));
        json.set("post_processor", mapper.readTree("""
                {"type": "TemplateProcessing", "pair": [], "single": [
                  {"SpecialToken": {"id": "B", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                  "special_tokens": {"B": {"id": "B", "ids": [%d], "tokens": ["<|endoftext|>"]}}}""".formatted(bos)));
        Files.writeString(withBos.resolve("tokenizer.json"), json.toString());
        Tokenizer t = Tokenizer.load(withBos);
        assertArrayEquals(tokenizer.encode("What is 12?"), t.encode("What is 12?"));
        assertEquals(bos, t.encode("What is 12?", true)[0]);
        assertNull(t.eosId()); // there is no tokenizer_config.json
    }

    @Test
    void knowsItsTokens() {
        assertEquals(tokenizer.tokenId("<|im_end|>") + 1, tokenizer.vocabSize());
        assertEquals(tokenizer.tokenId("<|endoftext|>"), tokenizer.eosId());
        assertTrue(tokenizer.isSpecial(tokenizer.eosId()));
        assertFalse(tokenizer.isSpecial(0));
        assertEquals(0, tokenizer.tokenId("!"));
        assertNull(tokenizer.tokenId("<|nothing|>"));
        assertEquals("", tokenizer.decode(new int[] {100_000})); // a padding row of the embedding
    }

    @Test
    void lengthLimitsInTheFileAreNotHeeded() throws IOException {
        Path limited = Files.createTempDirectory(folder, "limited");
        String json = Files.readString(folder.resolve("tokenizer.json"))
                .replace("\"truncation\": null", """
                        "truncation": {"direction": "Right", "max_length": 4, "strategy": "LongestFirst",
                        "stride": 0}""")
                .replace("\"padding\": null", """
                        "padding": {"strategy": {"Fixed": 2000}, "direction": "Right", "pad_to_multiple_of": null,
                                    "pad_id": 0, "pad_type_id": 0, "pad_token": "!"}""");
        Files.writeString(limited.resolve("tokenizer.json"), json);
        String text = "The answer is 46. ".repeat(100);
        assertArrayEquals(tokenizer.encode(text), Tokenizer.load(limited).encode(text));
    }

    @Test
    void aLoneSurrogateDoesNotSpoilTheRest() {
        assertEquals("a\uFFFDb😀", tokenizer.decode(tokenizer.encode("a\uD83Db😀")));
        assertEquals("\uFFFD", tokenizer.decode(tokenizer.encode("\uDE00")));
        assertEquals("x\0y", tokenizer.decode(tokenizer.encode("x\0y")));
    }

    @Test
    void aStreamNeverShowsHalfACharacter() {
        var random = new Random(5);
        for (int i = 0; i < 500; i++) {
            String text = Normalizer.normalize(RandomText.of(random, 30), Normalizer.Form.NFC);
            StreamDecoder stream = tokenizer.stream();
            var pieces = new StringBuilder();
            for (int id : tokenizer.encode(text)) {
                String piece = stream.next(id);
                assertFalse(piece.contains("\uFFFD"), piece);
                pieces.append(piece);
            }
            assertEquals("", stream.finish());
            assertEquals(text, pieces.toString());
        }
    }

    @Test
    void aStreamOfAnyTokensIsTheirText() {
        var random = new Random(6);
        for (int i = 0; i < 500; i++) {
            int[] ids = random.ints(random.nextInt(1, 40), 0, 256).toArray(); // single bytes, mostly not UTF-8
            StreamDecoder stream = tokenizer.stream();
            String text = Arrays.stream(ids).mapToObj(stream::next).collect(Collectors.joining()) + stream.finish();
            assertEquals(tokenizer.decode(ids), text);
        }
        int[] euro = tokenizer.encode("€");
        StreamDecoder stream = tokenizer.stream();
        assertEquals("", stream.next(euro[0]));
        assertEquals("\uFFFD", stream.finish());
    }

    @Test
    void saysWhatIsWrongWithItsFiles() throws IOException {
        Path bad = Files.createTempDirectory(folder, "bad");
        expectError(bad, "has no tokenizer.json");
        for (var file : List.of(
                List.of("", "is not a JSON object"),
                List.of("[]", "is not a JSON object"),
                List.of("{\"model\":", "is damaged"),
                List.of("{}", "it has no vocabulary"),
                List.of("{\"model\": {\"type\": \"X\", \"vocab\": {\"a\": 0}}}", "is not a tokenizer that can"))) {
            Files.writeString(bad.resolve("tokenizer.json"), file.get(0));
            expectError(bad, file.get(1));
        }
        Files.write(bad.resolve("tokenizer.json"), new byte[] {'"', (byte) 0xff, '"'});
        expectError(bad, "not UTF-8");
        Files.copy(folder.resolve("tokenizer.json"), bad.resolve("tokenizer.json"),
                StandardCopyOption.REPLACE_EXISTING);
        Files.writeString(bad.resolve("tokenizer_config.json"), "{");
        expectError(bad, "tokenizer_config.json is damaged");
    }

    private static void expectError(Path folder, String expected) {
        var error = assertThrows(UserError.class, () -> Tokenizer.load(folder));
        assertTrue(error.getMessage().contains(expected), error.getMessage());
        assertTrue(error.getMessage().contains(folder.toString()), error.getMessage());
    }
}
