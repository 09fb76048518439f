package org.xerial.snappy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Streams written by hand from the format's description; DataFileTest reads those of another writer. */
class SnappyTest {

    private static String uncompress(String hex, int capacity) throws IOException {
        ByteBuffer out = ByteBuffer.allocateDirect(capacity);
        int length = Snappy.uncompress(ByteBuffer.wrap(HexFormat.of().parseHex(hex)), out);
        byte[] bytes = new byte[length];
        out.get(bytes);
        assertEquals(0, out.remaining());
        return new String(bytes, StandardCharsets.US_ASCII);
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
            00,                       ''
            0310616263,               ''
            03 08 616263,             abc
            08 00 61 0d 01,           aaaaaaaa
            07 04 6162 1202 00,       abababa
            07 04 6162 1302 000000,   abababa
            04 f0 03 61626364,        abcd
            04 f4 0300 61626364,      abcd
            """)
    void elements(String hex, String text) throws IOException {
        String stream = hex.replace(" ", "");
        if (stream.startsWith("0310")) { // a literal of five bytes, of which three are there
            assertThrows(IOException.class, () -> uncompress(stream, 10));
        } else {
            assertEquals(text, uncompress(stream, 10));
        }
    }

    @ParameterizedTest
    @CsvSource({"'', 9", "ff, 9", "ffffffffff01, 9", "ffffffff0f0061, 9", "0a0061, 9", "0a0061, 20", "020061 0d02, 9",
            "020061 0d00, 9",
        "03fcffffff7f61, 9", "03fcffffffff61, 9", "010861626364, 9", "050061 09, 9", "050061 1201, 9"})
    void damageIsAnException(String hex, int capacity) {
        assertThrows(IOException.class, () -> uncompress(hex.replace(" ", ""), capacity));
    }

    @Test
    void noiseIsAnExceptionOrAText() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 100_000; i++) {
            byte[] noise = new byte[random.nextInt(40)];
            random.nextBytes(noise);
            try {
                Snappy.uncompress(ByteBuffer.wrap(noise), ByteBuffer.allocate(random.nextInt(100)));
            } catch (IOException expected) {
                // no other exception
            }
        }
    }
}
