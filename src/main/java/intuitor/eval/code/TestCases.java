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
 * Reads LiveCodeBench's test cases: JSON, {@code [{"input", "output", "testtype"}]}, as it is, or as a pickled string,
 * compressed with zlib, in base64.
 */
public final class TestCases {

    /** Larger than any problem's; more is a bomb. */
    static final int MAX_BYTES = 512 << 20;

    private static final JsonMapper JSON = new JsonMapper(JsonFactory.builder().streamReadConstraints(
            StreamReadConstraints.builder().maxStringLength(MAX_BYTES).build()).build());

    private TestCases() { }

    /** @param where file and place, for messages */
    public static List<TestCase> read(String text, String where) {
        return read(text, where, MAX_BYTES);
    }

    static List<TestCase> read(String text, String where, int maxBytes) {
        try {
            JsonNode list = JSON.readTree(text.stripLeading().startsWith("[") ? text : unpacked(text, maxBytes));
            List<TestCase> cases = new ArrayList<>();
            for (JsonNode test : list) {
                if (!test.path("input").isString() || !test.path("output").isString()) {
                    throw new UserError(where + ": a test case has no \"input\" and \"output\"");
                }
                cases.add(new TestCase(test.path("input").stringValue(), test.path("output").stringValue()));
            }
            return cases;
        } catch (JacksonException e) {
            throw new UserError(where + ": the test cases are not valid JSON: " + Json.complaint(e), e);
        } catch (IOException | IllegalArgumentException e) {
            throw new UserError(where + ": the test cases cannot be unpacked: " + e.getMessage(), e);
        }
    }

    /** How many bytes the test cases unpack to, found without keeping them; those of damaged ones do not matter. */
    public static long unpackedBytes(String text) {
        if (text.stripLeading().startsWith("[")) {
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
