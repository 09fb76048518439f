package intuitor.eval.code;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The pickles are Python's own: src/test/resources/intuitor/eval/data/jsonl.py made them. */
class TestCasesTest {

    private static final JsonNode PICKLES =
            new JsonMapper().readTree(Path.of("src/test/resources/intuitor/eval/data/pickles.json").toFile());

    private static byte[] bytes(JsonNode base64) {
        return Base64.getDecoder().decode(base64.stringValue());
    }

    @Test
    void stringsOfEveryProtocol() {
        PICKLES.get("pickles")
                .forEach(p -> assertEquals(PICKLES.get("text").stringValue(), StringPickle.load(bytes(p))));
        assertEquals(6, PICKLES.get("pickles").size());
        assertEquals("x".repeat(300), StringPickle.load(bytes(PICKLES.get("long"))));
    }

    @Test
    void theLongestKindOfString() {
        ByteBuffer p = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).put((byte) 0x80).put((byte) 4)
                .put((byte) 0x8d)
                .putLong(4).put("text.".getBytes(StandardCharsets.US_ASCII));
        assertEquals("text", StringPickle.load(p.array()));
    }

    @Test
    void everythingElseIsRefused() {
        PICKLES.get("refused").forEachEntry((name, p) ->
                assertThrows(IllegalArgumentException.class, () -> StringPickle.load(bytes(p)), name));
        assertEquals(13, PICKLES.get("refused").size());
    }

    @Test
    void noiseIsRefusedOrAString() {
        SplittableRandom random = new SplittableRandom(3);
        byte[] instructions = {(byte) 0x80, (byte) 0x95, (byte) 0x94, 'q', 'r', 'p', 'V', (byte) 0x8c, 'X', (byte) 0x8d,
                '.', 'c', 'R', 4, 0, '\n'};
        for (int i = 0; i < 200_000; i++) {
            byte[] noise = new byte[random.nextInt(24)];
            random.nextBytes(noise);
            for (int k = 0; k < noise.length; k++) {
                noise[k] = random.nextInt(3) == 0 ? noise[k] : instructions[random.nextInt(instructions.length)];
            }
            try {
                StringPickle.load(noise);
            } catch (IllegalArgumentException expected) {
                // no other exception
            }
        }
    }

    @Test
    void plainAndPackedTestCases() throws IOException {
        String json = "[{\"input\": \"1\\n\", \"output\": \"2\", \"testtype\": \"stdin\"}, {\"input\": \"\", "
                + "\"output\": \"\"}]";
        List<TestCase> expected = List.of(new TestCase("1\n", "2"), new TestCase("", ""));
        assertEquals(expected, TestCases.read(json, "here"));
        assertEquals(expected, TestCases.read(packed(pickled(json)), "here"));
    }

    @Test
    void otherDataSetsLayouts() {
        List<TestCase> expected = List.of(new TestCase("1", "2"), new TestCase("3", "4"));
        assertEquals(expected, TestCases.read("{\"language\": \"python\", \"test_cases\": [{\"input\": \"1\", "
                + "\"output\": \"2\"}, {\"input\": \"3\", \"output\": \"4\"}]}", "here"));
        assertEquals(expected, TestCases.read(" {\"input\": [\"1\", \"3\"], \"output\": [\"2\", \"4\"]}", "here"));
        assertEquals(expected, TestCases.read("{\"inputs\": [\"1\", \"3\"], \"outputs\": [\"2\", \"4\"]}", "here"));
        assertSays("{\"input\": [\"1\", \"3\"], \"output\": [\"2\"]}", "here: a test case has no \"input\" and ");
        assertSays("{\"answer\": 4}", "here: a test case has no \"input\" and \"output\"");
    }

    @Test
    void bombsAndDamageAreOneLine() throws IOException {
        assertSays(packed(pickled("[" + " ".repeat(3 << 20) + "]")), "here: the test cases cannot be unpacked: they "
                + "are more than 1 MiB");
        assertSays(packed(new byte[0]), "here: the test cases cannot be unpacked: the pickle ends early");
        assertSays(packed(pickled("[1]")), "here: a test case has no \"input\"");
        assertSays(packed(pickled("[")), "here: the test cases are not valid JSON");
        assertSays("eJw", "here: the test cases cannot be unpacked");
        assertSays(packed(bytes(PICKLES.get("refused").get("system"))),
                "something else than a string (instruction 0x63)");
    }

    private static void assertSays(String text, String message) {
        UserError e = assertThrows(UserError.class, () -> TestCases.read(text, "here", 1 << 20));
        assertTrue(e.getMessage().startsWith(message) || e.getMessage().contains(message), e.getMessage());
    }

    private static byte[] pickled(String s) {
        byte[] utf8 = s.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(utf8.length + 6).order(ByteOrder.LITTLE_ENDIAN).put((byte) 'X').putInt(utf8.length)
                .put(utf8)
                .put((byte) '.').array();
    }

    private static String packed(byte[] pickle) throws IOException {
        ByteArrayOutputStream compressed = new ByteArrayOutputStream();
        try (DeflaterOutputStream out = new DeflaterOutputStream(compressed)) {
            out.write(pickle);
        }
        return Base64.getEncoder().encodeToString(compressed.toByteArray());
    }
}
