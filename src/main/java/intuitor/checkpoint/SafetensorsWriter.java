package intuitor.checkpoint;

import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;

/**
 * Writes safetensors files, each atomically. Tensors are laid out as by the reference implementation, by falling
 * alignment of their type and then by name, so that the same tensors give the same bytes whoever writes them. They are
 * streamed: memory for more than a chunk of one tensor is never needed.
 */
public final class SafetensorsWriter {

    /** What transformers asks of a file that it loads: the framework whose layout the tensors follow. */
    public static final Map<String, String> METADATA = Map.of("format", "pt");

    /** Writes a tensor's elements, little-endian and row-major. */
    @FunctionalInterface
    public interface Contents {
        void writeTo(WritableByteChannel out) throws IOException;
    }

    /** A tensor to be written. */
    public record Entry(String name, DType storedAs, long[] shape, Contents contents) {

        /** A device's tensor under a name of the file, converted on its way (F32, BF16 or F16 to any of them). */
        public static Entry of(String name, Tensor tensor, DType storedAs, Device device) {
            return new Entry(name, storedAs, tensor.shape(), out -> device.store(tensor, storedAs, out));
        }

        /** Size in the file. */
        public long bytes() {
            long elements = 1;
            for (long d : shape) {
                elements = Math.multiplyExact(elements, d);
            }
            return Math.multiplyExact(elements, storedAs.bytes());
        }
    }

    private static final Comparator<Entry> LAYOUT =
            Comparator.comparing((Entry e) -> SafetensorsType.of(e.storedAs()), Comparator.reverseOrder())
                    .thenComparing(Entry::name);

    private SafetensorsWriter() {}

    /** Writes one file, replacing one of that name; a UserError where the disk refuses. */
    public static void write(Path file, List<Entry> tensors, Map<String, String> metadata) {
        List<Entry> ordered = tensors.stream().sorted(LAYOUT).toList();
        byte[] header = SafetensorsHeader.format(layOut(ordered), metadata);
        if (header.length > SafetensorsHeader.MAX_BYTES) {
            throw new IllegalArgumentException("a header of " + header.length + " bytes: nobody could read " + file);
        }
        AtomicFiles.write(file, out -> {
            ByteBuffer start = ByteBuffer.allocate(SafetensorsHeader.LENGTH_BYTES + header.length)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(header.length)
                    .put(header)
                    .flip();
            while (start.hasRemaining()) {
                out.write(start);
            }
            for (Entry tensor : ordered) {
                append(tensor, out);
            }
        });
    }

    private static List<TensorEntry> layOut(List<Entry> ordered) {
        var names = new HashSet<String>();
        var layout = new ArrayList<TensorEntry>();
        long offset = 0;
        for (Entry e : ordered) {
            if (!names.add(e.name()) || e.name().equals(SafetensorsHeader.METADATA)) {
                throw new IllegalArgumentException("tensor name " + e.name() + " is taken");
            }
            long end = Math.addExact(offset, e.bytes());
            layout.add(new TensorEntry(e.name(), SafetensorsType.of(e.storedAs()), e.shape(), offset, end));
            offset = end;
        }
        return layout;
    }

    private static void append(Entry tensor, FileChannel out) throws IOException {
        long start = out.position();
        tensor.contents().writeTo(out);
        long written = out.position() - start;
        if (written != tensor.bytes()) {
            throw new IllegalStateException(
                    "tensor " + tensor.name() + " came as " + written + " bytes, expected " + tensor.bytes());
        }
    }
}
