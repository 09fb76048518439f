package intuitor.device;

import intuitor.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.jar.JarEntry;

/**
 * Finds the file of a native library:
 * <ol>
 * <li>in the folder that the property {@code intuitor.native.dir} or the variable {@code INTUITOR_NATIVE_DIR} names;
 * <li>in the folder {@code native} beside the jar, or beside the folder of classes;
 * <li>on the class path; out of a jar it is copied once into the {@link CacheFolder}.
 * </ol>
 */
final class NativeFiles {

    private NativeFiles() {
    }

    /** The library's file, or nothing if this build does not have it. */
    static Optional<Path> find(NativeLibrary library) {
        for (Path folder : folders()) {
            Path file = folder.resolve(library.fileName());
            if (Files.isRegularFile(file)) {
                return Optional.of(file.toAbsolutePath());
            }
        }
        URL resource = NativeFiles.class.getClassLoader().getResource(library.resource());
        if (resource == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(resource.getProtocol().equals("file") ? Path.of(resource.toURI()) : unpack(resource));
        } catch (IOException | URISyntaxException e) {
            throw new UserError("cannot unpack " + library.fileName() + " into " + CacheFolder.path() + ": " + e
                    + "; set INTUITOR_CACHE_DIR to a folder with 100 MB of room", e);
        }
    }

    private static List<Path> folders() {
        List<Path> folders = new ArrayList<>();
        CacheFolder.setting("intuitor.native.dir", "INTUITOR_NATIVE_DIR").map(Path::of).ifPresent(folders::add);
        CodeSource source = NativeFiles.class.getProtectionDomain().getCodeSource();
        if (source != null && source.getLocation().getProtocol().equals("file")) {
            folders.add(Path.of(URI.create(source.getLocation().toString())).resolveSibling("native"));
        }
        return folders;
    }

    /**
     * Copies a jar's entry into the cache, unless it is there. The place is named after the entry's length and CRC,
     * which the jar's directory holds: neither 28 MB need be inflated nor 93 MB hashed at every start.
     */
    private static Path unpack(URL resource) throws IOException {
        JarURLConnection connection = (JarURLConnection) resource.openConnection();
        JarEntry entry = connection.getJarEntry();
        String key = Long.toHexString(entry.getSize()) + "-" + Long.toHexString(entry.getCrc());
        String fileName = Path.of(entry.getName()).getFileName().toString();
        Path file = CacheFolder.path().resolve(key).resolve(fileName);
        if (Files.isRegularFile(file) && Files.size(file) == entry.getSize()) {
            return file;
        }
        try (InputStream in = connection.getInputStream()) {
            CacheFolder.copy(in, file);
        }
        return file;
    }
}
