package intuitor.checkpoint;

import intuitor.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a run was started from ({@code origin.json}). A run that resumes needs the same base model, as its reference, and the
 * same prompts; otherwise it would be another run.
 *
 * @param model       folder of the base model
 * @param modelSha256 of its weights
 * @param data        file of the prompts
 * @param dataSha256  of that file
 */
public record RunOrigin(String model, String modelSha256, String data, String dataSha256) {

    private static final String FILE = "origin.json";
    private static final int BUFFER = 1 << 20;

    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .build();

    /** The origin of a run that starts now. */
    public static RunOrigin of(Path model, Path data) {
        return new RunOrigin(model.toString(), weightsDigest(model), data.toString(), digest(List.of(data)));
    }

    public void write(Path run) {
        AtomicFiles.writeString(run.resolve(FILE), JSON.writeValueAsString(this) + "\n");
    }

    public static RunOrigin read(Path run) {
        try {
            return JSON.readValue(Files.readString(run.resolve(FILE)), RunOrigin.class);
        } catch (IOException | JacksonException e) {
            throw new UserError(run + " cannot be resumed: " + FILE + " is missing or damaged", e);
        }
    }

    /** A {@link UserError} if the base model is gone, or has other weights than when the run started. */
    public void requireModel() {
        Path folder = Path.of(model);
        if (!Files.isDirectory(folder)) {
            throw new UserError("the base model " + model + " of this run is gone; put it back: it is the reference");
        }
        if (!weightsDigest(folder).equals(modelSha256)) {
            throw new UserError("the weights in " + model + " have changed since this run started from them; "
                    + "put the old ones back: they are the reference");
        }
    }

    /** A {@link UserError} if the prompts are gone, or others than when the run started. */
    public void requireData() {
        if (!Files.isRegularFile(Path.of(data))) {
            throw new UserError("the prompts " + data + " of this run are gone; put them back");
        }
        if (!digest(List.of(Path.of(data))).equals(dataSha256)) {
            throw new UserError("the prompts " + data + " have changed since this run started; put the old ones back");
        }
    }

    private static String weightsDigest(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return digest(files.filter(f -> f.getFileName().toString().endsWith(".safetensors")).sorted().toList());
        } catch (IOException e) {
            throw new UserError("cannot read " + folder + ": " + e.getMessage(), e);
        }
    }

    private static String digest(List<Path> files) {
        try {
            MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
            byte[] buffer = new byte[BUFFER];
            for (Path file : files) {
                try (InputStream in = Files.newInputStream(file)) {
                    for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                        sha256.update(buffer, 0, n);
                    }
                }
            }
            return HexFormat.of().formatHex(sha256.digest());
        } catch (IOException e) {
            throw new UserError("cannot read " + files + ": " + e.getMessage(), e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
