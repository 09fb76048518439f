package intuitor.device;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/**
 * Where files that the jar carries are copied to: {@code INTUITOR_CACHE_DIR}, or {@code intuitor} in
 * {@code XDG_CACHE_HOME}, or {@code ~/.cache/intuitor}.
 */
public final class CacheFolder {

    private CacheFolder() {
    }

    public static Path path() {
        return setting("intuitor.cache.dir", "INTUITOR_CACHE_DIR").map(Path::of)
                .or(() -> setting(null, "XDG_CACHE_HOME").map(home -> Path.of(home, "intuitor")))
                .orElseGet(() -> Path.of(System.getProperty("user.home"), ".cache", "intuitor"));
    }

    /** Writes a file under another name first, so that a second process never sees half of it. */
    public static void copy(InputStream contents, Path file) throws IOException {
        Files.createDirectories(file.getParent());
        Path partial = Files.createTempFile(file.getParent(), file.getFileName().toString(), ".part");
        try {
            Files.copy(contents, partial, StandardCopyOption.REPLACE_EXISTING);
            Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(partial);
        }
    }

    /** The value of a system property, or else of an environment variable. */
    static Optional<String> setting(String property, String variable) {
        String value = property == null ? null : System.getProperty(property);
        return Optional.ofNullable(value != null ? value : System.getenv(variable)).filter(s -> !s.isBlank());
    }
}
