package intuitor.checkpoint;

import intuitor.UserError;
import intuitor.data.DataFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** SHA-256 check sums, in hexadecimal, that tell whether models and data are still what they were. */
public final class Digests {

    private static final int BUFFER = 1 << 20;

    private Digests() { }

    /** Of a model's weights, configuration and tokenizer, by file name. */
    public static Map<String, String> ofModel(Path folder) {
        Map<String, String> digests = new TreeMap<>();
        try (Stream<Path> files = Files.list(folder)) {
            files.filter(f -> ModelFolder.isPartOfModel(f.getFileName().toString()))
                    .forEach(f -> digests.put(f.getFileName().toString(), of(f)));
            return digests;
        } catch (IOException e) {
            throw UserError.of("cannot read " + folder, e);
        }
    }

    /** Of a file; or of the names and check sums of a folder's data files. */
    public static String of(Path path) {
        if (!Files.isDirectory(path)) {
            return digestOfFile(path);
        }
        StringBuilder names = new StringBuilder();
        for (Path file : DataFile.files(path)) { // what is read, and nothing else that may lie there
            names.append(path.relativize(file)).append(' ').append(digestOfFile(file)).append('\n');
        }
        return ofText(names.toString());
    }

    /** Of a text, in UTF-8. */
    public static String ofText(String text) {
        try {
            return digest(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String digestOfFile(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return digest(in);
        } catch (IOException e) {
            throw UserError.of("cannot read " + file, e);
        }
    }

    private static String digest(InputStream in) throws IOException {
        try {
            MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
            byte[] buffer = new byte[BUFFER];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                sha256.update(buffer, 0, n);
            }
            return HexFormat.of().formatHex(sha256.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
