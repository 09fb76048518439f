package intuitor.device;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A file mapped read-only into memory, of any size. Nothing of it may be used after {@link #close()}. */
public final class MappedFile implements AutoCloseable {

    private static final ValueLayout.OfLong LONG_LE =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Path path;
    private final java.lang.foreign.Arena arena;
    private final MemorySegment segment;

    private MappedFile(Path path, java.lang.foreign.Arena arena, MemorySegment segment) {
        this.path = path;
        this.arena = arena;
        this.segment = segment;
    }

    public static MappedFile open(Path path) throws IOException {
        var arena = java.lang.foreign.Arena.ofShared();
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            return new MappedFile(path, arena, channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
        } catch (IOException | RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    public Path path() {
        return path;
    }

    /** Bytes. */
    public long size() {
        return segment.byteSize();
    }

    /** A copy of n bytes from an offset. */
    public byte[] bytes(long offset, int n) {
        return segment.asSlice(offset, n).toArray(ValueLayout.JAVA_BYTE);
    }

    /** The little-endian 64-bit number at an offset of any alignment. */
    public long getLongLE(long offset) {
        return segment.get(LONG_LE, offset);
    }

    /** Part of the file, bounds-checked, for copies to a device. */
    MemorySegment slice(long offset, long bytes) {
        return segment.asSlice(offset, bytes);
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
