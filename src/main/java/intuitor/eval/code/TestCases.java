package intuitor.eval.code;

import intuitor.Json;
import intuitor.UserError;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.zip.InflaterInputStream;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads test cases as data sets keep them. JSON:
 * <pre>
 *   [{"input": TEXT, "output": TEXT}]                    LiveCodeBench; also as a pickled string, compressed with
 *                                                        zlib, in base64
 *   {"test_cases": [{"input": TEXT, "output": TEXT}]}    open-r1's verification_info
 *   {"input": [TEXT], "output": [TEXT]}                  code_contests; verl: "inputs", "outputs"
 * </pre>
 */
public final class TestCases {

    /** Larger than any problem's; more is a bomb. */
    static final int MAX_BYTES = 512 << 20;

    private static final JsonMapper JSON = new JsonMapper(JsonFactory.builder().streamReadConstraints(
            StreamReadConstraints.builder().maxStringLength(MAX_BYTES).build()).build());

    private static final List<List<String>> COLUMNS = List.of(List.of("input", "output"), List.of("inputs", "outputs"));

    private TestCases() { }

    /** @param where file and place, for messages */
    public static List<TestCase> read(String text, String where) {
        return read(text, where, MAX_BYTES);
    }

    static List<TestCase> read(String text, String where, int maxBytes) {
        try {
            JsonNode json = JSON.readTree(isJson(text) ? text : unpacked(text, maxBytes));
            for (List<String> names : COLUMNS) {
                if (json.path(names.getFirst()).isArray()) {
                    return ofColumns(json.path(names.getFirst()), json.path(names.getLast()), where);
                }
            }
            return ofList(json.has("test_cases") ? json.path("test_cases") : json, where);
        } catch (JacksonException e) {
            throw new UserError(where + ": the test cases are not valid JSON: " + Json.complaint(e), e);
        } catch (IOException | IllegalArgumentException e) {
            throw new UserError(where + ": the test cases cannot be unpacked: " + e.getMessage(), e);
        }
    }

    private static List<TestCase> ofList(JsonNode list, String where) {
        List<TestCase> cases = new ArrayList<>();
        for (JsonNode test : list) {
            cases.add(testCase(test.path("input"), test.path("output"), where));
        }
        return cases;
    }

    private static List<TestCase> ofColumns(JsonNode inputs, JsonNode outputs, String where) {
        List<TestCase> cases = new ArrayList<>();
        for (int i = 0; i < Math.max(inputs.size(), outputs.size()); i++) {
            cases.add(testCase(inputs.path(i), outputs.path(i), where));
        }
        return cases;
    }

    private static TestCase testCase(JsonNode input, JsonNode output, String where) {
        if (!input.isString() || !output.isString()) {
            throw new UserError(where + ": a test case has no \"input\" and \"output\"");
        }
        return new TestCase(input.stringValue(), output.stringValue());
    }

    private static boolean isJson(String text) {
        String start = text.stripLeading();
        return start.startsWith("[") || start.startsWith("{");
    }

    /** How many bytes the test cases unpack to, found without keeping them; those of damaged ones do not matter. */
    public static long unpackedBytes(String text) {
        if (isJson(text)) {
            return text.length();
        }
        try (InputStream in = inflated(text)) {
            return in.skip(MAX_BYTES + 1L);
        } catch (IOException | IllegalArgumentException e) {
            return 0;
        }
    }

    private static InputStream inflated(String base64) {
        return new InflaterInputStream(new ByteArrayInputStream(
                Base64.getMimeDecoder().decode(base64.getBytes(StandardCharsets.ISO_8859_1))));
    }

    private static String unpacked(String base64, int maxBytes) throws IOException {
        try (InputStream in = inflated(base64)) {
            byte[] pickle = in.readNBytes(maxBytes + 1);
            if (pickle.length > maxBytes) {
                throw new IOException("they are more than " + (maxBytes >> 20) + " MiB");
            }
            return StringPickle.load(pickle);
        }
    }
}
