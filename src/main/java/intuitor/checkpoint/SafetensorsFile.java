package intuitor.checkpoint;

import intuitor.UserError;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.MappedFile;
import intuitor.device.Tensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

/**
 * A safetensors file, memory-mapped and checked when it is opened: afterwards each of its tensors is known to lie
 * within the file. A file of any size costs address space only, its pages are read as tensors are loaded.
 */
public final class SafetensorsFile implements AutoCloseable {

    private static final Set<DType> LOADABLE = EnumSet.of(DType.F32, DType.BF16, DType.F16);

    /** How a Git LFS pointer starts: what a clone without LFS has in place of the weights. */
    private static final byte[] LFS_POINTER = "version https://git-lfs".getBytes(StandardCharsets.US_ASCII);

    private final Path path;
    private final MappedFile bytes;
    private final SafetensorsHeader header;
    private final long dataStart;

    private SafetensorsFile(Path path, MappedFile bytes, SafetensorsHeader header, long dataStart) {
        this.path = path;
        this.bytes = bytes;
        this.header = header;
        this.dataStart = dataStart;
    }

    /** Maps a file and checks its header; a {@link UserError} says what is wrong with it. */
    public static SafetensorsFile open(Path path) {
        MappedFile bytes = map(path);
        try {
            int headerBytes = SafetensorsHeader.checkLength(path, bytes.getLongLE(0), bytes.size());
            long dataStart = SafetensorsHeader.LENGTH_BYTES + headerBytes;
            byte[] json = bytes.bytes(SafetensorsHeader.LENGTH_BYTES, headerBytes);
            var header = SafetensorsHeader.parse(path, json, bytes.size() - dataStart);
            return new SafetensorsFile(path, bytes, header, dataStart);
        } catch (RuntimeException e) {
            bytes.close();
            throw e;
        }
    }

    private static MappedFile map(Path path) {
        try {
            long size = Files.size(path);
            if (size < SafetensorsHeader.LENGTH_BYTES) {
                throw new UserError(path + " is truncated: it has " + size + " bytes");
            }
            MappedFile bytes = MappedFile.open(path);
            if (size >= LFS_POINTER.length && Arrays.equals(bytes.bytes(0, LFS_POINTER.length), LFS_POINTER)) {
                bytes.close();
                throw new UserError(path + " is a Git LFS pointer, not the weights: run 'git lfs pull' in its folder");
            }
            return bytes;
        } catch (NoSuchFileException e) {
            throw new UserError("no such file: " + path, e);
        } catch (IOException e) {
            throw UserError.of("cannot read " + path, e);
        }
    }

    public Path path() {
        return path;
    }

    /** All tensors by name, in the order of their data; also those of types that {@link #load} refuses. */
    public Map<String, TensorEntry> tensors() {
        return header.tensors();
    }

    /** The free text that its writer put into the header, such as {@code format: pt}. */
    public Map<String, String> metadata() {
        return header.metadata();
    }

    /** The tensor of that name; a {@link UserError} where there is none. */
    public TensorEntry tensor(String name) {
        TensorEntry tensor = tensors().get(name);
        if (tensor == null) {
            throw new UserError(path + " has no tensor '" + name + "'; it has " + Names.some(tensors().keySet()));
        }
        return tensor;
    }

    /**
     * Copies a tensor to a device, converting it to dst's type (F32, BF16 or F16, in the file as in dst).
     *
     * @param dst has the tensor's shape; a {@link UserError} names both where they differ
     */
    public void load(String name, Tensor dst, Device device) {
        TensorEntry tensor = tensor(name);
        if (!Arrays.equals(tensor.shape(), dst.shape())) {
            throw new UserError(path + ": tensor '" + name + "' has shape " + Arrays.toString(tensor.shape())
                    + " where the model needs " + Arrays.toString(dst.shape()));
        }
        DType type = tensor.type().dtype().filter(LOADABLE::contains).orElseThrow(() -> new UserError(path
                + ": tensor '" + name + "' is of type " + tensor.type() + "; only F32, BF16 and F16 can be loaded"));
        device.load(dst, bytes, dataStart + tensor.begin(), type);
    }

    @Override
    public void close() {
        bytes.close();
    }
}
