package intuitor.text;

import intuitor.UserError;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Reads a model's text files. */
final class TextFile {

    private TextFile() {}

    /** A whole file, which must be there and be UTF-8. */
    static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (NoSuchFileException e) {
            throw new UserError(file.toAbsolutePath().getParent() + " has no " + file.getFileName(), e);
        } catch (CharacterCodingException e) {
            throw new UserError(file + " is damaged: it is not UTF-8", e);
        } catch (IOException e) {
            throw UserError.of("cannot read " + file, e);
        }
    }
}
