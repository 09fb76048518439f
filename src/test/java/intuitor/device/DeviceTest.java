package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Opening devices, and moving numbers between the heap, a device and files. */
class DeviceTest {

    /** More than fits into one transfer, and no multiple of it. */
    private static final int MANY = 2_500_003;

    @TempDir
    Path folder;

    private Device device;
    private Arena arena;

    @BeforeEach
    void open() {
        device = Device.open("cpu", 2);
        arena = device.arena("test");
    }

    @AfterEach
    void close() {
        device.close();
    }

    @Test
    void whatItIs() {
        DeviceInfo info = device.info();
        assertEquals("cpu", info.kind());
        assertEquals(2, info.threads());
        assertFalse(info.name().isBlank());
        assertTrue(info.memoryBytes() > 1 << 28);
        assertTrue(info.isa().matches("portable|avx2|avx512"), info.isa());
        try (Device auto = Device.open("auto", 0)) {
            assertEquals("cpu", auto.info().kind());
            assertTrue(auto.info().threads() >= 1);
        }
    }

    @Test
    void devicesThatAreNotThere() {
        var unknown = assertThrows(UserError.class, () -> Device.open("tpu", 0));
        assertEquals("device: expected auto, cpu or cuda, found 'tpu'", unknown.getMessage());
        var cuda = assertThrows(UserError.class, () -> Device.open("cuda", 0));
        assertTrue(cuda.getMessage().contains("CUDA"), cuda.getMessage());
        assertEquals(1, cuda.getMessage().lines().count());
        var threads = assertThrows(UserError.class, () -> Device.open("cpu", -1));
        assertTrue(threads.getMessage().contains("-1"), threads.getMessage());
    }

    @Test
    void largeArraysGoThereAndBack() {
        float[] floats = KernelRun.gaussian(1, MANY);
        float[] floatsBack = new float[MANY];
        device.download(floatsBack, arena.upload("f", floats));
        assertArrayEquals(floats, floatsBack);
        int[] ints = KernelRun.indices(2, MANY, 1 << 30);
        int[] intsBack = new int[MANY];
        device.download(intsBack, arena.upload("i", ints));
        assertArrayEquals(ints, intsBack);
        Tensor copy = arena.allocate("copy", DType.F32, MANY);
        device.copy(copy, arena.upload("f", floats));
        device.download(floatsBack, copy);
        assertArrayEquals(floats, floatsBack);
        device.synchronize();
    }

    @Test
    void sizesAndTypesMustAgree() {
        Tensor t = arena.zeros("t", DType.F32, 4);
        assertThrows(IllegalArgumentException.class, () -> device.upload(t, new float[5]));
        assertThrows(IllegalArgumentException.class, () -> device.upload(t, new int[4]));
        assertThrows(IllegalArgumentException.class, () -> device.download(new float[3], t));
        assertThrows(IllegalArgumentException.class, () -> device.download(new double[4], t));
        assertThrows(IllegalArgumentException.class, () -> device.copy(t, arena.zeros("u", DType.F32, 5)));
    }

    /** bf16 and fp32 from a file at an odd offset, and back into one. */
    @Test
    void filesAreConvertedOnTheWay() throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(3 + 6 * MANY).order(ByteOrder.LITTLE_ENDIAN).position(3);
        float[] values = KernelRun.gaussian(3, MANY);
        for (int i = 0; i < MANY; i++) {
            values[i] = Float.intBitsToFloat(Float.floatToRawIntBits(values[i]) & 0xffff0000);
            bytes.putShort((short) (Float.floatToRawIntBits(values[i]) >>> 16));
        }
        for (float value : values) {
            bytes.putFloat(value);
        }
        Path file = folder.resolve("weights");
        Files.write(file, bytes.array());
        Tensor t = arena.allocate("t", DType.F32, MANY);
        float[] back = new float[MANY];
        try (MappedFile mapped = MappedFile.open(file)) {
            device.load(t, mapped, 3, DType.BF16);
            device.download(back, t);
            assertArrayEquals(values, back);
            device.zero(t);
            device.load(t, mapped, 3 + 2 * MANY, DType.F32);
            device.download(back, t);
            assertArrayEquals(values, back);
            assertThrows(IndexOutOfBoundsException.class, () -> device.load(t, mapped, 4 + 2 * MANY, DType.F32));
        }
        var out = new ByteArrayOutputStream();
        out.write(new byte[3]);
        device.store(t, DType.BF16, Channels.newChannel(out));
        device.store(t, DType.F32, Channels.newChannel(out));
        assertArrayEquals(bytes.array(), out.toByteArray());
    }

    @Test
    void mappedFiles() throws IOException {
        Path file = folder.resolve("sparse");
        long large = (5L << 30) + 1;
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
                StandardOpenOption.SPARSE)) {
            channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5, 6, 7, 8}), large - 8);
        }
        MappedFile mapped = MappedFile.open(file);
        assertEquals(large, mapped.size());
        assertEquals(file, mapped.path());
        assertEquals(0x0807060504030201L, mapped.getLongLE(large - 8));
        assertArrayEquals(new byte[] {0, 1, 2}, mapped.bytes(large - 9, 3));
        assertThrows(IndexOutOfBoundsException.class, () -> mapped.getLongLE(large - 7));
        assertThrows(IndexOutOfBoundsException.class, () -> mapped.bytes(large - 2, 3));
        mapped.close();
        mapped.close();
        assertThrows(IllegalStateException.class, () -> mapped.getLongLE(0));
        Files.delete(file);

        Path empty = Files.createFile(folder.resolve("empty"));
        try (MappedFile nothing = MappedFile.open(empty)) {
            assertEquals(0, nothing.size());
        }
        assertThrows(IOException.class, () -> MappedFile.open(folder.resolve("missing")));
    }
}
