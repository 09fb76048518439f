package intuitor.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import intuitor.UserError;
import intuitor.checkpoint.SafetensorsWriter.Entry;
import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Tensor;
import intuitor.device.TestDevices;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SafetensorsWriterTest {

    private static Device device;

    @TempDir
    Path dir;

    @BeforeAll
    static void open() {
        device = TestDevices.open(1);
    }

    @AfterAll
    static void close() {
        device.close();
    }

    /** The bytes that the reference implementation (safetensors 0.8.0) writes for the same tensors. */
    @Test
    void writesTheReferencesBytes() throws IOException {
        Path path = dir.resolve("model.safetensors");
        SafetensorsWriter.write(path, List.of(
                bytes("b", DType.F16, 2, 2), bytes("a", DType.BF16, 3), bytes("z", DType.F32, 1),
                bytes("c", DType.F16), bytes("s", DType.I64), bytes("y", DType.F32, 0, 4)), Map.of("format", "pt"));
        String header = "{\"__metadata__\":{\"format\":\"pt\"},"
                + "\"s\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
                + "\"y\":{\"dtype\":\"F32\",\"shape\":[0,4],\"data_offsets\":[8,8]},"
                + "\"z\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]},"
                + "\"a\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[12,18]},"
                + "\"b\":{\"dtype\":\"F16\",\"shape\":[2,2],\"data_offsets\":[18,26]},"
                + "\"c\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[26,28]}}";
        byte[] written = Files.readAllBytes(path);
        int padded = (header.length() + 7) / 8 * 8;
        assertEquals(padded, ByteBuffer.wrap(written).order(ByteOrder.LITTLE_ENDIAN).getLong());
        String text = new String(written, 8, padded, StandardCharsets.UTF_8);
        assertEquals(header + " ".repeat(padded - header.length()), text);
        assertEquals("ssssssss" + "zzzz" + "aaaaaa" + "bbbbbbbb" + "cc",
                new String(written, 8 + padded, written.length - 8 - padded, StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16", "F16"})
    void aDevicesTensorComesBack(DType storedAs) {
        int rows = 1031;
        int columns = 1500; // more than one chunk of the copy between file and device
        float[] values = new float[rows * columns];
        var random = new Random(7);
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextInt(-128, 129) / 64f; // exact in every type
        }
        Path path = dir.resolve("model.safetensors");
        try (Arena arena = device.arena("test")) {
            Tensor tensor = arena.upload("w", values, rows, columns);
            Tensor norm = arena.upload("norm", new float[] {1, -2, 3}, 3);
            SafetensorsWriter.write(path, List.of(Entry.of("model.w", tensor, storedAs, device),
                    Entry.of("model.norm", norm, DType.F32, device)), SafetensorsWriter.METADATA);
            Tensor back = arena.allocate("back", DType.F32, rows, columns);
            try (var file = SafetensorsFile.open(path)) {
                file.load("model.w", back, device);
                assertEquals("pt", file.metadata().get("format"));
                assertEquals(storedAs, file.tensor("model.w").type().dtype().orElseThrow());
                Tensor turned = back.view(columns, rows);
                var error = assertThrows(UserError.class, () -> file.load("model.w", turned, device));
                assertEquals(path + ": tensor 'model.w' has shape [1031, 1500] where the model needs [1500, 1031]",
                        error.getMessage());
            }
            float[] read = new float[values.length];
            device.download(read, back);
            assertArrayEquals(values, read);
        }
    }

    @Test
    void refusesToLoadATypeThatIsNotAWeights() {
        Path path = dir.resolve("x.safetensors");
        SafetensorsWriter.write(path, List.of(bytes("step", DType.I64, 1)), Map.of());
        try (Arena arena = device.arena("test"); var file = SafetensorsFile.open(path)) {
            Tensor dst = arena.allocate("dst", DType.F32, 1);
            var error = assertThrows(UserError.class, () -> file.load("step", dst, device));
            assertEquals(path + ": tensor 'step' is of type I64; only F32, BF16 and F16 can be loaded",
                    error.getMessage());
        }
    }

    /** A sparse file: 9 GB of addresses, a few blocks on the disk. */
    @Test
    void loadsFromBeyondFourGigabytes() {
        Path path = dir.resolve("large.safetensors");
        long large = 9L << 30;
        SafetensorsWriter.write(path, List.of(
                new Entry("a.large", DType.F32, new long[] {large / 4}, out -> {
                    var file = (FileChannel) out;
                    file.position(file.position() + large);
                }),
                new Entry("b.small", DType.F32, new long[] {2}, out -> out.write(ByteBuffer.wrap(
                        new byte[] {0, 0, (byte) 0x80, 0x3f, 0, 0, 0, (byte) 0xc0})))), Map.of());
        try (Arena arena = device.arena("test"); var file = SafetensorsFile.open(path)) {
            assertEquals(large, file.tensor("b.small").begin());
            Tensor dst = arena.allocate("dst", DType.F32, 2);
            file.load("b.small", dst, device);
            float[] read = new float[2];
            device.download(read, dst);
            assertArrayEquals(new float[] {1, -2}, read);
        }
    }

    @Test
    void aTensorOfTheWrongSizeOrNameIsAFaultOfTheProgram() throws IOException {
        Path path = dir.resolve("x.safetensors");
        var half = new Entry("a", DType.F32, new long[] {2}, out -> out.write(ByteBuffer.allocate(4)));
        assertThrows(IllegalStateException.class, () -> SafetensorsWriter.write(path, List.of(half), Map.of()));
        var twice = List.of(bytes("a", DType.F32, 1), bytes("a", DType.F16, 1));
        assertThrows(IllegalArgumentException.class, () -> SafetensorsWriter.write(path, twice, Map.of()));
        assertFalse(Files.list(dir).findAny().isPresent());
    }

    /** A tensor whose every byte is the first letter of its name. */
    static Entry bytes(String name, DType type, long... shape) {
        long elements = 1;
        for (long d : shape) {
            elements *= d;
        }
        byte[] data = name.substring(0, 1).repeat((int) elements * type.bytes()).getBytes(StandardCharsets.US_ASCII);
        return new Entry(name, type, shape, out -> out.write(ByteBuffer.wrap(data)));
    }
}
