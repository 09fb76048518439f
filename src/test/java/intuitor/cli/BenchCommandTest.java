package intuitor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.bench.Bench;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class BenchCommandTest {

    @TempDir
    Path folder;

    /** Every kernel has a row with a time, a ceiling and a fraction, in all three forms. */
    @Test
    void measuresEveryKernel() throws IOException {
        Path json = folder.resolve("bench.json");
        Path markdown = folder.resolve("bench.md");
        Path picture = folder.resolve("roofline.png");
        Outcome outcome = Outcome.of("bench", "--device", "cpu", "--size", "tiny", "--rounds", "1", "--round-ms", "1",
                "--json", json.toString(), "--markdown", markdown.toString(), "--roofline", picture.toString());
        assertEquals(0, outcome.status(), outcome.err());
        JsonNode root = new JsonMapper().readTree(Files.readString(json));
        assertEquals("cpu", root.at("/device/kind").asString());
        for (String kernel : Bench.kernels()) {
            assertTrue(outcome.out().lines().anyMatch(line -> line.startsWith(kernel)), outcome.out());
            assertTrue(Files.readString(markdown).contains("| " + kernel + " |"), kernel);
        }
        for (JsonNode row : root.get("kernels")) {
            assertTrue(row.get("ms").asDouble() > 0 && row.get("ceiling_ms").asDouble() > 0, row.toString());
            assertEquals(row.get("ceiling_ms").asDouble() / row.get("ms").asDouble(), row.get("fraction").asDouble(),
                    1e-9);
            assertTrue(row.get("error").asDouble() < 1e-5, row.toString());
        }
        BufferedImage roofline = ImageIO.read(picture.toFile());
        assertTrue(roofline.getWidth() > 800 && roofline.getHeight() > 500, roofline.toString());
    }

    @Test
    void onlyTheKernelsWanted() {
        Outcome outcome = Outcome.of("bench", "--device", "cpu", "--size", "tiny", "--rounds", "1", "--round-ms", "1",
                "--kernels", "swiglu,adamw");
        assertEquals(0, outcome.status(), outcome.err());
        assertEquals(2 + 3, outcome.out().strip().lines().count(), outcome.out());
    }

    /** In bf16 on a device that has the fused head, it stands beside the tiles, and beside drawing from whole rows. */
    @Test
    void theFusedHead() {
        Outcome outcome = Outcome.of("bench", "--device", "emu", "--dtype", "bfloat16", "--size", "tiny",
                "--rounds", "1", "--round-ms", "1", "--kernels", "lm_head");
        assertEquals(0, outcome.status(), outcome.err());
        assertEquals(List.of("lm_head + vocab_reduce", "lm_head + sample", "lm_head in tiles", "lm_head fused",
                        "lm_head fused, sample"),
                outcome.out().strip().lines().skip(2).map(line -> line.split(" {2,}")[0]).toList());
    }

    @Test
    void aRooflineNeedsOperations() {
        Path picture = folder.resolve("empty.png");
        Outcome outcome = Outcome.of("bench", "--device", "cpu", "--size", "tiny", "--rounds", "1", "--round-ms", "1",
                "--kernels", "cast", "--roofline", picture.toString());
        assertEquals(2, outcome.status(), outcome.err());
        assertTrue(outcome.err().contains("--roofline: no picture"), outcome.err());
        assertTrue(Files.notExists(picture));
    }

    /** Every step of the three ladders, in order. */
    @Test
    void theLab() throws IOException {
        Path json = folder.resolve("lab.json");
        Outcome outcome = Outcome.of("bench", "--lab", "--device", "emu", "--size", "tiny", "--rounds", "1",
                "--round-ms", "1", "--json", json.toString());
        assertEquals(0, outcome.status(), outcome.err());
        for (JsonNode row : new JsonMapper().readTree(Files.readString(json)).get("kernels")) {
            boolean rounded = row.get("dtype").asString().equals("bf16")
                    && row.get("kernel").asString().startsWith("attention");
            assertTrue(row.get("error").asDouble() < (rounded ? 1e-2 : 1e-4), row.toString());
        }
        List<String> steps = outcome.out().strip().lines().skip(2).map(line -> line.split(" {2,}")[0]).toList();
        assertEquals(List.of("self-certainty, 1 a thread a row", "self-certainty, 2 a block a row",
                "self-certainty, 3 one pass", "self-certainty, 4 vectors", "self-certainty, 5 strips",
                "LM head, 1 unfused", "LM head, 2 mma", "LM head, 3 wgmma", "LM head, 4 cluster", "attention, 1 naive",
                "attention, 2 online", "attention, 3 mma", "attention, 4 wgmma"), steps);
    }

    @Test
    void theLabHasNoLibrarysAttention() {
        Outcome outcome = Outcome.of("bench", "--lab", "--attention", "cudnn");
        assertEquals(2, outcome.status());
        assertTrue(outcome.err().startsWith("error: --attention: does nothing with --lab"), outcome.err());
    }

    @Test
    void unknownKernel() {
        Outcome outcome = Outcome.of("bench", "--kernels", "softmax");
        assertEquals(2, outcome.status());
        assertTrue(outcome.err().contains("--kernels: 'softmax' begins no kernel's name"), outcome.err());
        assertEquals(1, outcome.err().strip().lines().count(), outcome.err());
    }
}
